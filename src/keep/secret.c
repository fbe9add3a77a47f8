/*
 * Secrets of the APIs, such as keys of model services: records of table API whose member "sealed" is enciphered, with the record's name
 * as what it is for. The key never is in the data file, so that neither a backup nor a stolen data file tells them.
 */
#include "br/keep.h"

#include "br/json.h"
#include "br/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_BYTES = 2 * BR_CIPHER_KEY + 1 }; /* hexadecimal digits and a line end */

/* ---- the key ---- */

static void key_of(uint8_t key[BR_CIPHER_KEY], const char *text, size_t n)
{
	static const char purpose[] = "br: secrets of a workspace\n";
	struct br_sha256 h;

	br_sha256_init(&h);
	br_sha256_add(&h, purpose, sizeof purpose - 1);
	br_sha256_add(&h, text, n);
	br_sha256_end(key, &h);
}

/* Whoever comes first makes it; the others read what they made. */
static int make_file(const char *path, const char *dir, struct br_err *err)
{
	uint8_t key[BR_CIPHER_KEY];
	char text[FILE_BYTES + 1], *tmp;
	int fd, rc = 0;

	br_random(key, sizeof key);
	br_hex(text, key, sizeof key);
	text[FILE_BYTES - 1] = '\n';
	if ((fd = br_tmp_open(&tmp, dir, 0600, err)) < 0)
		return fd;
	if (br_fd_write(fd, text, FILE_BYTES) < 0 || fsync(fd) < 0 || (link(tmp, path) < 0 && errno != EEXIST))
		rc = br_fail_errno(err, BR_EIO, "cannot write '%s'", path);
	unlink(tmp);
	close(fd);
	free(tmp);
	br_wipe(text, sizeof text);
	br_wipe(key, sizeof key);
	return rc < 0 ? rc : br_sync_folder_of(path, err);
}

static int read_file(uint8_t key[BR_CIPHER_KEY], struct br_ws *ws, bool make, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(4096);
	char *path = br_path_join(ws->dir, "secret");
	int rc = br_file_read(&text, path, 4095, err);

	if (rc == -BR_ENOTFOUND && make && (rc = make_file(path, ws->dir, err)) == 0)
		rc = br_file_read(&text, path, 4095, err);
	if (rc == 0 && text.len < BR_MIN_SECRET)
		rc = br_fail(err, BR_EINPUT, "'%s' holds no secret", path);
	if (rc == 0)
		key_of(key, text.ptr, text.len - (text.ptr[text.len - 1] == '\n'));
	br_wipe(text.ptr, text.len);
	br_buf_release(&text);
	free(path);
	return rc;
}

static int find_key(uint8_t key[BR_CIPHER_KEY], struct br_ws *ws, bool make, struct br_err *err)
{
	const char *set = br_config_get(ws->config, "auth.secret", NULL);

	if (!set || !*set)
		return read_file(key, ws, make, err);
	if (strlen(set) < BR_MIN_SECRET)
		return br_fail(err, BR_EUSAGE, "auth.secret has fewer than %d characters", BR_MIN_SECRET);
	key_of(key, set, strlen(set));
	return 0;
}

/* ---- records ---- */

int br_keep_secret_put(struct br_ws *ws, const char *name, const char *secret, struct br_err *err)
{
	struct br_buf sealed = BR_BUF_INIT(1 << 20), json = BR_BUF_INIT(2 << 20);
	uint8_t key[BR_CIPHER_KEY];
	int rc;

	if (!secret)
		return br_keep_put(ws, 0, BR_KEEP_SECRET, name, NULL, err);
	if ((rc = find_key(key, ws, true, err)) < 0)
		return rc;
	rc = br_encipher(&sealed, key, br_slice_str(secret), br_slice_str(name), err);
	br_wipe(key, sizeof key);
	br_buf_adds(&json, "{\"sealed\":\"");
	br_base64url(&json, sealed.ptr, sealed.len);
	br_buf_adds(&json, "\"}");
	if (rc == 0 && (rc = br_buf_check(&json, "a secret", err)) == 0)
		rc = br_keep_put(ws, 0, BR_KEEP_SECRET, name, json.ptr, err);
	br_buf_release(&sealed);
	br_buf_release(&json);
	return rc;
}

static bool open_sealed(struct br_buf *out, const uint8_t key[BR_CIPHER_KEY], const char *text, const char *name)
{
	struct br_buf sealed = BR_BUF_INIT(1 << 20);
	bool ok = text && br_base64url_decode(&sealed, br_slice_str(text)) && br_decipher(out, key, br_buf_slice(&sealed), br_slice_str(name));

	br_buf_release(&sealed);
	return ok;
}

int br_keep_secret_get(char **out, struct br_ws *ws, const char *name, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(1 << 20);
	struct br_arena a = { 0 };
	uint8_t key[BR_CIPHER_KEY];
	const char *rec;
	int rc = br_keep_get(&rec, &a, ws, 0, BR_KEEP_SECRET, name, err);

	*out = NULL;
	if (rc == 0 && rec && (rc = find_key(key, ws, false, err)) == 0) {
		if (open_sealed(&text, key, br_keep_member(&a, rec, "sealed"), name))
			*out = br_strndup(text.ptr, text.len);
		else
			br_log(BR_LOG_WARN, "the secret '%s' was kept under another key than that of this workspace now; set it again", name);
		br_wipe(key, sizeof key);
	}
	br_wipe(text.ptr, text.len);
	br_buf_release(&text);
	br_arena_release(&a);
	return rc == -BR_ENOTFOUND ? 0 : rc;
}
