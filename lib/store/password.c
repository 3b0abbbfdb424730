#include "store/password.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

/* Cost 5 is libcrypt's default: N = 4096, r = 32, which is 16 MB. */
static const char method[] = "$y$";
enum { COST = 5 };

/* A hash of nothing that anybody knows. */
static const char nobody[] = "$y$j9T$9uJEd1lYBSWGK3cpcTVHL0$"
			     "UcYZ5GeYXt5QJjpFQLOZLJqPyHzqkPCUPwMzoVaTVU2";

/* crypt(3) with memory of its own, which is wiped. */
static bool
crypt_into(char *to, const char *password, const char *as)
{
	struct crypt_data *data;
	const char *hash;
	bool fitted = false;

	if ((data = calloc(1, sizeof(*data))) == NULL)
		return false;
	hash = crypt_r(password, as, data);
	if (hash != NULL && hash[0] != '*')
		fitted = str_copy(to, PASSWORD_HASH_MAX + 1, hash);
	str_wipe(data, sizeof(*data));
	free(data);
	return fitted;
}

int
password_hash(char *hash_out, const char *password, struct err *e)
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];

	if (crypt_gensalt_rn(method, COST, NULL, 0, salt, (int)sizeof(salt)) ==
		NULL ||
	    !crypt_into(hash_out, password, salt))
		return err_sys(e, "password: hashing failed");
	return 0;
}

bool
password_matches(const char *hash, const char *password)
{
	char now[PASSWORD_HASH_MAX + 1];
	const char *want = hash != NULL ? hash : nobody;
	bool same;

	if (!crypt_into(now, password, want))
		return false;
	same = strlen(now) == strlen(want) &&
	    str_equal_secret(now, want, strlen(want));
	str_wipe(now, sizeof(now));
	return same && hash != NULL;
}
