#pragma GCC system_header
#include "plat/socket_win32.h"
