/*
 * Containers: mailboxes and mails in process, archives made by hand through br-extract (BR_EXTRACT names it); then the notebook's
 * view of them, as folders that change.
 */
#include "workspace.h"

#include <zlib.h>

/* ---- archives by hand ---- */

static void put16(struct br_buf *b, unsigned v) { br_buf_le16(b, (uint16_t)v); }

struct zip_maker { struct br_buf out, directory; unsigned n; };
static struct zip_maker zip_new(void) { return (struct zip_maker){ BR_BUF_INIT(64 << 20), BR_BUF_INIT(64 << 20), 0 }; }

/* Stored, or deflated when `level`; `flags` 1: said to be encrypted. */
static void zip_add(struct zip_maker *z, const char *name, const void *p, size_t n, int level, unsigned flags)
{
	uLongf packed = compressBound(n) + 64;
	unsigned char *bytes = br_alloc(packed);
	size_t at = z->out.len;
	z_stream s = { 0 };

	if (level) {
		assert_int_equal(deflateInit2(&s, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
		s.next_in = (Bytef *)(uintptr_t)p;
		s.avail_in = (uInt)n;
		s.next_out = bytes;
		s.avail_out = (uInt)packed;
		assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
		packed = s.total_out;
		deflateEnd(&s);
	} else {
		memcpy(bytes, p, n);
		packed = n;
	}
	for (int central = 0; central < 2; central++) {
		struct br_buf *b = central ? &z->directory : &z->out;
		br_buf_adds(b, central ? "PK\1\2" : "PK\3\4");
		if (central)
			put16(b, 20);
		put16(b, 20);
		put16(b, flags);
		put16(b, level ? 8 : 0);
		br_buf_le32(b, 0x21);
		br_buf_le32(b, (uint32_t)crc32(0, p, (uInt)n));
		br_buf_le32(b, (uint32_t)packed);
		br_buf_le32(b, (uint32_t)n);
		put16(b, (unsigned)strlen(name));
		put16(b, 0);
		if (central) {
			br_buf_addz(b, 10);
			br_buf_le32(b, (uint32_t)at);
		}
		br_buf_adds(b, name);
		if (!central)
			br_buf_add(b, bytes, packed);
	}
	z->n++;
	free(bytes);
}

static struct br_buf zip_end(struct zip_maker *z)
{
	uint32_t at = (uint32_t)z->out.len;

	br_buf_add(&z->out, z->directory.ptr, z->directory.len);
	br_buf_adds(&z->out, "PK\5\6");
	br_buf_le32(&z->out, 0);
	put16(&z->out, z->n);
	put16(&z->out, z->n);
	br_buf_le32(&z->out, (uint32_t)z->directory.len);
	br_buf_le32(&z->out, at);
	put16(&z->out, 0);
	br_buf_release(&z->directory);
	return z->out;
}

/* "name", "text", ..., NULL */
static struct br_buf zip_of(const char *name, ...)
{
	struct zip_maker z = zip_new();
	va_list ap;

	va_start(ap, name);
	for (; name; name = va_arg(ap, const char *)) {
		const char *text = va_arg(ap, const char *);
		zip_add(&z, name, text, strlen(text), 6, 0);
	}
	va_end(ap);
	return zip_end(&z);
}

static void tar_add(struct br_buf *b, const char *name, char type, const char *text, size_t n)
{
	char h[512] = "";
	unsigned sum = 0;

	snprintf(h, 100, "%s", name);
	memcpy(h + 100, "0000644", 8);
	snprintf(h + 124, 12, "%011o", (unsigned)n);
	memcpy(h + 148, "        ", 8);
	h[156] = type;
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof h; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	br_buf_add(b, h, sizeof h);
	br_buf_add(b, text, n);
	br_buf_addz(b, (512 - n % 512) % 512);
}

static struct br_buf gzip_of(struct br_slice in)
{
	struct br_buf b = BR_BUF_INIT(64 << 20);
	z_stream s = { 0 };

	assert_int_equal(deflateInit2(&s, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	br_buf_reserve(&b, deflateBound(&s, in.len));
	s.next_in = (Bytef *)(uintptr_t)in.ptr;
	s.avail_in = (uInt)in.len;
	s.next_out = (Bytef *)b.ptr;
	s.avail_out = (uInt)b.cap;
	assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
	b.len = s.total_out;
	deflateEnd(&s);
	return b;
}

/* ---- members as they come ---- */

static bool no_helper(void)
{
	if (getenv("BR_EXTRACT"))
		return false;
	print_message("skipped: BR_EXTRACT not set\n");
	return true;
}

/* "name=bytes;" or "name!why;" for each, then "END" or the error's words. */
static void holds(enum br_format format, const char *name, struct br_slice bytes, const char *want)
{
	struct br_buf got = BR_BUF_INIT(64 << 20);
	struct br_members *m = NULL;
	struct br_member one;
	struct br_err err = { 0 };
	int rc = br_members_open(&m, getenv("BR_EXTRACT"), name, format, bytes, &err);

	while (rc >= 0 && (rc = br_members_next(&one, m, &err)) > 0) {
		br_buf_addf(&got, "%s%c", one.name, one.refused ? '!' : '=');
		for (size_t i = 0; i < BR_MIN(one.bytes.len, (size_t)60); i++)
			br_buf_addc(&got, one.bytes.ptr[i] == '\n' ? '/' : one.bytes.ptr[i]);
		br_buf_addf(&got, "%s;", one.refused ? one.refused : "");
	}
	br_buf_adds(&got, rc < 0 ? err.msg : "END");
	br_members_close(m);
	assert_string_equal(got.ptr, want);
	br_buf_release(&got);
}

static void test_mailbox(void **state)
{
	static const char box[] = "From a@x Mon Jan  5 10:00:00 2026\nMessage-ID: <one@x>\nSubject: 1\n\nbody\n>From here on\nFrom the start: no message\n\n"
	                          "From b@x Mon Jan  5 10:00:00 2026\nMessage-ID: <../../evil/two@x>\n\nsecond\n\n"
	                          "From b@x Mon Jan  5 10:00:00 2026\nMessage-ID: <one@x>\n\nagain\n\n"
	                          "From c@x Mon Jan  5 10:00:00 2026\nSubject: no id\n\nlast";

	(void)state;
	holds(BR_FMT_MBOX, "box", br_slice(box, sizeof box - 1),
	      "one@x.eml=Message-ID: <one@x>/Subject: 1//body/From here on/From the s;de054f300c78744f.eml=Message-ID: <../../evil/two@x>//second//;"
	      "one@x-2.eml=Message-ID: <one@x>//again//;bee2fdef5f4588e5.eml=Subject: no id//last;END");
}

static void test_mail_attachments(void **state)
{
	static const char mail[] = "Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/pdf; name=\"=?utf-8?Q?caf=C3=A9.pdf?=\"\n"
	                           "Content-Transfer-Encoding: base64\n\nJVBERg==\n--b\nContent-Disposition: attachment; filename*=utf-8''..%2F..%2Fx%20y.txt\n\nwords\n"
	                           "--b\nContent-Type: application/octet-stream; name=\"C:\\\\dir\\\\x y.txt\"\n\nmore\n--b\nContent-Type: application/pgp-signature\n\nsig\n"
	                           "--b\nContent-Type: image/png\n\nlogo\n--b\nContent-Type: application/zip\n\nPK\n--b--\n";

	(void)state;
	assert_true(br_has_members(BR_FMT_MAIL, br_slice(mail, sizeof mail - 1)));
	assert_false(br_has_members(BR_FMT_MAIL, br_slice_str("Subject: s\n\ntext\n")));
	assert_false(br_has_members(BR_FMT_MARKDOWN, br_slice_str("# x")));
	holds(BR_FMT_MAIL, "m.eml", br_slice(mail, sizeof mail - 1), "caf\xc3\xa9.pdf=%PDF;x y.txt=words;x y-2.txt=more;part-4.zip=PK;END");
}

static void test_zip(void **state)
{
	struct zip_maker z = zip_new();
	struct br_buf b;

	(void)state;
	if (no_helper())
		skip();
	zip_add(&z, "a.txt", "stored", 6, 0, 0);
	zip_add(&z, "dir/", "", 0, 0, 0);
	zip_add(&z, "dir/b.txt", "deflated words", 14, 9, 0);
	zip_add(&z, "../../etc/passwd", "escape", 6, 0, 0);
	zip_add(&z, "/abs/./c\nd", "odd", 3, 0, 0);
	zip_add(&z, "locked", "secret secret", 13, 0, 1);
	zip_add(&z, "empty", "", 0, 0, 0);
	b = zip_end(&z);
	holds(BR_FMT_ZIP, "x.zip", br_buf_slice(&b), "a.txt=stored;dir/b.txt=deflated words;etc/passwd=escape;abs/c?d=odd;locked!is password-protected;empty=;END");
	holds(BR_FMT_ZIP, "x.zip", br_slice(b.ptr, b.len - 30), "damaged: the file is cut off, or no ZIP container");
	b.ptr[40] ^= 1; /* a byte of the first member */
	holds(BR_FMT_ZIP, "x.zip", br_buf_slice(&b), "a.txt!its part 'a.txt' is damaged: CRC error;dir/b.txt=deflated words;etc/passwd=escape;abs/c?d=odd;"
	      "locked!is password-protected;empty=;END");
	br_buf_release(&b);
	z = zip_new();
	zip_add(&z, "locked", "secret secret", 13, 0, 1);
	b = zip_end(&z);
	holds(BR_FMT_ZIP, "x.zip", br_buf_slice(&b), "locked!is password-protected;is password-protected");
	br_buf_release(&b);
}

static void test_bombs(void **state)
{
	struct zip_maker z = zip_new();
	size_t n = 40 << 20;
	char *zeros = br_alloc(n);
	struct br_buf b, gz;

	(void)state;
	if (no_helper())
		skip();
	zip_add(&z, "zeros", zeros, n, 9, 0);
	b = zip_end(&z);
	holds(BR_FMT_ZIP, "x.zip", br_buf_slice(&b), "is a zip bomb: 'zeros' is more than 200 times as large as its packed bytes");
	br_buf_release(&b);
	gz = gzip_of(br_slice(zeros, n));
	holds(BR_FMT_TAR, "x.gz", br_buf_slice(&gz), "is a bomb: it unpacks to more than 200 times its size");
	br_buf_release(&gz);
	free(zeros);
}

static void test_tar(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20), gz;
	char name[300];

	(void)state;
	if (no_helper())
		skip();
	memset(name, 'n', 250);
	strcpy(name + 250, ".txt");
	tar_add(&b, "a.txt", '0', "first", 5);
	tar_add(&b, "link", '2', "", 0);
	tar_add(&b, "dir/", '5', "", 0);
	tar_add(&b, "././@LongLink", 'L', name, 255);
	tar_add(&b, "short", '0', "long name", 9);
	tar_add(&b, "pax", 'x', "20 path=dir/pax.txt\n", 20);
	tar_add(&b, "short", '0', "pax name", 8);
	tar_add(&b, "pax_global_header", 'g', "11 a=bcdef\n", 11);
	tar_add(&b, "old", 0, "last", 4);
	br_buf_addz(&b, 1024);
	snprintf(name + 254, 40, "=long name;");
	gz = gzip_of(br_buf_slice(&b));
	{
		char *want = br_sprintf("a.txt=first;%sdir/pax.txt=pax name;old=last;END", name);
		holds(BR_FMT_TAR, "x.tar", br_buf_slice(&b), want);
		holds(BR_FMT_TAR, "x.tar.gz", br_buf_slice(&gz), want);
		free(want);
	}
	holds(BR_FMT_TAR, "x.tar", br_slice(b.ptr, 515), "damaged: it ends within 'a.txt'");
	holds(BR_FMT_TAR, "x.tar.gz", br_slice(gz.ptr, 20), "damaged: its gzip data cannot be unpacked");
	b.ptr[1030] ^= 1;
	holds(BR_FMT_TAR, "x.tar", br_buf_slice(&b), "a.txt=first;damaged: no header behind 'its last member'");
	br_buf_release(&b);
	br_buf_release(&gz);
	gz = gzip_of(br_slice_str("just a text"));
	holds(BR_FMT_TAR, "notes.txt.gz", br_buf_slice(&gz), "notes.txt=just a text;END");
	br_buf_release(&gz);
}

/* ---- a notebook's folder ---- */

static void put_bytes(const struct scratch *s, const char *rel, struct br_buf *b)
{
	char *path = scratch_path(s, rel);
	char *dir = br_strndup(path, (size_t)(br_path_base(path) - path));
	struct br_err err;

	assert_int_equal(br_mkdirs(dir, 0777, NULL), 0);
	assert_int_equal(br_file_write_atomic(path, b->ptr, b->len, 0644, &err), 0);
	br_buf_release(b);
	free(path);
	free(dir);
}

static void put_zip(const struct scratch *s, const char *rel, struct br_buf b) { put_bytes(s, rel, &b); }

static void told(struct scratch *s, bool plan, int rc, const char *want)
{
	char *got = sync_told(s, "docs", plan, rc);

	assert_string_equal(got, want);
	free(got);
	if (!plan)
		check_verify(s);
}

static void test_zip_is_a_folder(void **state)
{
	struct scratch *s = *state;

	if (no_helper())
		skip();
	put_zip(s, "docs/x.zip", zip_of("a.md", "# Apples\n\nApples grow on trees.\n", "sub/b.txt", "Bridges carry roads.\n", ".hidden", "no", "c.txt", "Clocks measure time.\n", NULL));
	told(s, true, BR_ECHANGES, "add docs/x.zip;");
	told(s, false, 0, "add docs/x.zip!/a.md;add docs/x.zip!/sub/b.txt;add docs/x.zip!/c.txt;add docs/x.zip;");
	told(s, false, 0, "");
	told(s, true, 0, "");
	assert_best(s, "bridges", NULL, "docs/x.zip!/sub/b.txt");
	/* one changed, one gone, one moved, one new, one as it was */
	put_zip(s, "docs/x.zip", zip_of("a.md", "# Apples\n\nApples are picked in autumn.\n", "sub/b.txt", "Bridges carry roads.\n", "moved/clocks.txt", "Clocks measure time.\n",
	                                "d.txt", "Deserts are dry.\n", NULL));
	told(s, true, BR_ECHANGES, "change docs/x.zip;");
	told(s, false, 0, "change docs/x.zip!/a.md;move docs/x.zip!/c.txt -> docs/x.zip!/moved/clocks.txt;add docs/x.zip!/d.txt;change docs/x.zip;");
	assert_best(s, "trees", "full_text", "");
	assert_best(s, "autumn", "full_text", "docs/x.zip!/a.md");
	assert_best(s, "measure time", "full_text", "docs/x.zip!/moved/clocks.txt");
	put_zip(s, "docs/x.zip", zip_of("d.txt", "Deserts are dry.\n", NULL));
	told(s, false, 0, "delete docs/x.zip!/a.md;delete docs/x.zip!/moved/clocks.txt;delete docs/x.zip!/sub/b.txt;change docs/x.zip;");
	move_file(s, "docs/x.zip", "docs/y.zip");
	told(s, false, 0, "move docs/x.zip!/d.txt -> docs/y.zip!/d.txt;move docs/x.zip -> docs/y.zip;");
	assert_best(s, "deserts", "full_text", "docs/y.zip!/d.txt");
	remove_file(s, "docs/y.zip");
	told(s, true, BR_ECHANGES, "delete docs/y.zip;delete docs/y.zip!/d.txt;");
	told(s, false, 0, "delete docs/y.zip;delete docs/y.zip!/d.txt;");
	assert_best(s, "deserts", "full_text", "");
}

static void test_container_becomes_something_else(void **state)
{
	struct scratch *s = *state;

	if (no_helper())
		skip();
	put_zip(s, "docs/x.zip", zip_of("a.txt", "Apples grow.\n", NULL));
	told(s, false, 0, "add docs/x.zip!/a.txt;add docs/x.zip;");
	put_file(s, "docs/x.zip", "plain words in here now\n");
	told(s, false, 0, "delete docs/x.zip!/a.txt;change docs/x.zip;");
	put_zip(s, "docs/x.zip", zip_of("a.txt", "Apples grow.\n", NULL));
	told(s, false, 0, "add docs/x.zip!/a.txt;change docs/x.zip;");
	/* damaged: what is there stays until it can be read again */
	put_file(s, "docs/x.zip", "PK\3\4\24 damaged");
	told(s, false, BR_EPARTIAL, "fail docs/x.zip;");
	assert_best(s, "apples", "full_text", "docs/x.zip!/a.txt");
	put_zip(s, "docs/x.zip", zip_of("a.txt", "Apples grow.\n", NULL));
	told(s, false, 0, "change docs/x.zip;");
}

static void test_nested(void **state)
{
	struct scratch *s = *state;
	struct br_buf in[5];

	if (no_helper())
		skip();
	in[0] = zip_of("deep.txt", "Whales dive deep.\n", NULL);
	for (int i = 1; i < 5; i++) {
		struct zip_maker z = zip_new();
		zip_add(&z, "in.zip", in[i - 1].ptr, in[i - 1].len, 0, 0);
		zip_add(&z, "note.txt", "words of a level\n", 17, 0, 0);
		in[i] = zip_end(&z);
	}
	put_bytes(s, "docs/x.zip", &in[2]);
	told(s, false, 0, "add docs/x.zip!/in.zip!/in.zip!/deep.txt;add docs/x.zip!/in.zip!/in.zip;add docs/x.zip!/in.zip!/note.txt;add docs/x.zip!/in.zip;"
	     "add docs/x.zip!/note.txt;add docs/x.zip;");
	assert_best(s, "whales", NULL, "docs/x.zip!/in.zip!/in.zip!/deep.txt");
	move_file(s, "docs/x.zip", "docs/y.zip");
	free(sync_told(s, "docs", false, 0));
	check_verify(s);
	assert_best(s, "whales", NULL, "docs/y.zip!/in.zip!/in.zip!/deep.txt");
	put_bytes(s, "docs/y.zip", &in[3]);
	{
		char *got = sync_told(s, "docs", false, 0);
		assert_non_null(strstr(got, "skip docs/y.zip!/in.zip!/in.zip!/in.zip;"));
		assert_null(strstr(got, "deep.txt;add"));
		free(got);
	}
	check_verify(s);
	assert_best(s, "whales", "full_text", "");
	for (int i = 0; i < 5; i++)
		br_buf_release(&in[i]);
}

static void test_mail_in_a_mailbox(void **state)
{
	static const char one[] = "From a@x Mon Jan  5 10:00:00 2026\nMessage-ID: <one@x>\nSubject: Apples\nContent-Type: multipart/mixed; boundary=b\n\n"
	                          "--b\n\nThey grow on trees.\n--b\nContent-Disposition: attachment; filename=list.txt\n\nCox, Boskoop, Elstar\n--b--\n\n";
	static const char two[] = "From b@x Mon Jan  5 11:00:00 2026\nMessage-ID: <two@x>\nSubject: Bridges\n\nThey carry roads.\n\n";
	struct scratch *s = *state;
	char *both = br_sprintf("%s%s", one, two);

	put_file(s, "docs/in.mbox", one);
	told(s, false, 0, "add docs/in.mbox!/one@x.eml!/list.txt;add docs/in.mbox!/one@x.eml;add docs/in.mbox;");
	assert_best(s, "boskoop", NULL, "docs/in.mbox!/one@x.eml!/list.txt");
	put_file(s, "docs/in.mbox", both);
	told(s, false, 0, "add docs/in.mbox!/two@x.eml;change docs/in.mbox;");
	put_file(s, "docs/in.mbox", two);
	told(s, false, 0, "delete docs/in.mbox!/one@x.eml;delete docs/in.mbox!/one@x.eml!/list.txt;change docs/in.mbox;");
	free(both);
}

static void test_mail_loses_its_attachment(void **state)
{
	struct scratch *s = *state;

	put_file(s, "docs/a.eml", "Subject: Apples\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nThey grow.\n--b\nContent-Disposition: attachment; filename=list.txt\n\nCox\n--b--\n");
	told(s, false, 0, "add docs/a.eml!/list.txt;add docs/a.eml;");
	assert_best(s, "grow", NULL, "docs/a.eml");
	told(s, false, 0, "");
	put_file(s, "docs/a.eml", "Subject: Apples\n\nThey grow.\n");
	told(s, false, 0, "delete docs/a.eml!/list.txt;change docs/a.eml;");
	put_file(s, "docs/a.eml", "Subject: Apples\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nThey grow.\n--b\nContent-Disposition: attachment; filename=list.txt\n\nCox\n--b--\n");
	free(sync_told(s, "docs", false, 0));
	remove_file(s, "docs/a.eml");
	told(s, false, 0, "delete docs/a.eml;delete docs/a.eml!/list.txt;");
}

/* The time of the file alone changed: members are looked at no more than the file is. */
static void test_touched(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_txn *t;
	struct br_doc *d;
	struct br_err err;
	char *path = scratch_path(s, "docs/in.mbox"), *cmd = br_sprintf("touch -d '2020-01-01' '%s'", path);

	put_file(s, "docs/in.mbox", "From a@x Mon Jan  5 10:00:00 2026\nMessage-ID: <one@x>\n\nApples\n");
	told(s, false, 0, "add docs/in.mbox!/one@x.eml;add docs/in.mbox;");
	assert_int_equal(system(cmd), 0);
	told(s, false, 0, "");
	assert_int_equal(br_txn_read(&t, s->ws->store, &err), 0);
	assert_int_equal(br_doc_find(&d, &a, t, s->ws, 1, "docs/in.mbox!/one@x.eml", &err), 0);
	assert_int_equal(br_source_state(s->ws, d), BR_SOURCE_SAME);
	assert_int_equal(d->origin, BR_FROM_MEMBER);
	br_txn_end(t);
	br_arena_release(&a);
	put_file(s, "docs/in.mbox", "changed");
	assert_int_equal(br_txn_read(&t, s->ws->store, &err), 0);
	assert_int_equal(br_doc_find(&d, &a, t, s->ws, 1, "docs/in.mbox!/one@x.eml", &err), 0);
	assert_int_equal(br_source_state(s->ws, d), BR_SOURCE_CHANGED);
	remove_file(s, "docs/in.mbox");
	assert_int_equal(br_source_state(s->ws, d), BR_SOURCE_MISSING);
	/* removing the container removes what is in it */
	assert_int_equal(br_doc_find(&d, &a, t, s->ws, 1, "docs/in.mbox", &err), 0);
	br_txn_end(t);
	assert_int_equal(br_doc_remove(s->ws, 1, &d->doc, 1, &err), 0);
	assert_best(s, "apples", "full_text", "");
	check_verify(s);
	br_arena_release(&a);
	free(path);
	free(cmd);
}

/* A member that failed is tried again although its container is as it was. */
static void test_retry(void **state)
{
	struct scratch *s = *state;

	if (no_helper())
		skip();
	put_zip(s, "docs/x.zip", zip_of("a.html", "<p>Apples grow.</p>", "b.txt", "Bridges\n", NULL));
	{
		struct zip_maker z = zip_new();
		struct br_buf b;
		zip_add(&z, "a.txt", "Apples grow.", 12, 0, 0);
		zip_add(&z, "b.txt", "Bridges carry.", 14, 0, 0);
		b = zip_end(&z);
		b.ptr[37] ^= 1;
		put_bytes(s, "docs/x.zip", &b);
	}
	told(s, false, BR_EPARTIAL, "fail docs/x.zip!/a.txt;add docs/x.zip!/b.txt;add docs/x.zip;");
	told(s, false, BR_EPARTIAL, "fail docs/x.zip!/a.txt;");
	told(s, false, BR_EPARTIAL, "fail docs/x.zip!/a.txt;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mailbox),
		cmocka_unit_test(test_mail_attachments),
		cmocka_unit_test(test_zip),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_tar),
		cmocka_unit_test_setup_teardown(test_zip_is_a_folder, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_container_becomes_something_else, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_nested, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_mail_in_a_mailbox, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_mail_loses_its_attachment, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_touched, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_retry, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
