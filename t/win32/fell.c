/*
 * fell: ends every process of that name, as antivirus programs do: their code
 * becomes 1.  (Wine's own taskkill makes it 0.)
 *
 *	fell NAME.exe
 */
#include <windows.h>

#include <stdio.h>
#include <tlhelp32.h>

int
main(int argc, char *argv[])
{
	PROCESSENTRY32 p = { .dwSize = sizeof(p) };
	HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0), h;
	BOOL more = all != INVALID_HANDLE_VALUE && Process32First(all, &p);
	int found = 0;

	for (; argc == 2 && more; more = Process32Next(all, &p)) {
		if (lstrcmpiA(p.szExeFile, argv[1]) != 0)
			continue;
		h = OpenProcess(PROCESS_TERMINATE, FALSE, p.th32ProcessID);
		if (h != NULL && TerminateProcess(h, 1))
			found++;
		if (h != NULL)
			CloseHandle(h);
	}
	return found > 0 ? 0 : 1;
}
