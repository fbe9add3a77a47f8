/*
 * br-extract: reads documents of foreign formats for br, one after the other, inside a sandbox. It is started by br and
 * speaks the protocol of br/text.h on its standard input and output; by hand only `br-extract --probe`.
 */
#include "extract/extract.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <malloc.h>

/* 1: all n bytes; 0: end of input before the first of them; -1: neither. */
static int read_all(void *p, size_t n)
{
	char *to = p;

	for (size_t got = 0; got < n;) {
		ssize_t k = read(0, to + got, n - got);
		if (k <= 0)
			return k == 0 && got == 0 ? 0 : -1;
		got += (size_t)k;
	}
	return 1;
}

static bool write_all(const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(1, p, n);
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

/* `name` stands in front of the body of a member. */
static bool send(uint32_t magic, enum br_code code, struct br_slice name, struct br_slice body)
{
	struct br_buf head = BR_BUF_INIT(1 << 20), named = BR_BUF_INIT(1 << 20);
	bool ok;

	if (magic == BR_PROTO_MEMBER)
		br_buf_lstr(&named, name.ptr, BR_MIN(name.len, (size_t)BR_MAX_PATH));
	br_buf_le32(&head, magic);
	br_buf_le32(&head, (uint32_t)code);
	br_buf_le64(&head, named.len + body.len);
	br_buf_add(&head, named.ptr, named.len);
	ok = write_all(head.ptr, head.len) && write_all(body.ptr, body.len);
	br_buf_release(&named);
	br_buf_release(&head);
	return ok;
}

static bool reply(enum br_code code, struct br_slice body)
{
	return send(BR_PROTO_REPLY, code, br_slice("", 0), body);
}

static int send_member(enum br_code code, struct br_slice name, struct br_slice body, void *arg)
{
	(void)arg;
	return send(BR_PROTO_MEMBER, code, name, body) ? 0 : -1;
}

/* A container: its members, then a reply without a record. */
static bool unpack(uint32_t format, struct br_slice bytes)
{
	const struct br_extract__emit to = { send_member, NULL };
	struct br_err err = { 0 };
	int rc = format == BR_FMT_ZIP ? br_extract__unzip(bytes, &to, &err) : br_extract__untar(bytes, &to, &err);

	return reply(rc < 0 ? err.code : BR_OK, br_slice_str(rc < 0 ? err.msg : ""));
}

static int extract(struct br_extracted *out, uint32_t format, struct br_slice bytes, struct br_err *err)
{
	if (format == BR_FMT_HTML)
		return br_extract__html(out, bytes, err);
	if (format == BR_FMT_XML)
		return br_extract__markup(out, bytes, err);
	if (format >= BR_FMT_DOCX && format <= BR_FMT_XLSX)
		return br_extract__ooxml(out, (enum br_format)format, bytes, err);
	if (format >= BR_FMT_ODT && format <= BR_FMT_ODP)
		return br_extract__odf(out, (enum br_format)format, bytes, err);
	if (format == BR_FMT_EPUB)
		return br_extract__epub(out, bytes, err);
	return br_fail(err, BR_EUNSUPPORTED, "br-extract does not read this format");
}

static bool answer(uint32_t format, struct br_slice bytes)
{
	struct br_buf record = BR_BUF_INIT(BR_PROTO_MAX);
	struct br_extracted e;
	struct br_err err = { 0 };
	int rc;
	bool ok;

	br_extracted_init(&e);
	rc = extract(&e, format, bytes, &err);
	if (!e.format) /* else the reader knew it better */
		e.format = (enum br_format)format;
	snprintf(e.encoding, sizeof e.encoding, "UTF-8");
	if (rc == 0 && br_proto_encode(&record, &e) < 0)
		rc = br_buf_check(&record, "structure of this document", &err);
	ok = rc == 0 ? reply(BR_OK, br_buf_slice(&record)) : reply(err.code, br_slice_str(err.msg));
	br_buf_release(&record);
	br_extracted_release(&e);
	return ok;
}

/* One document. 1: go on; 0: br closed its end; negative: not understood. */
static int serve_one(void)
{
	char head[BR_PROTO_HEADER], *bytes;
	struct br_rd r = br_rd(br_slice(head, sizeof head));
	int rc = read_all(head, sizeof head);
	uint32_t magic, format;
	uint64_t n;
	bool ok;

	if (rc <= 0)
		return rc;
	magic = br_rd_u32(&r);
	format = br_rd_u32(&r);
	n = br_rd_u64(&r);
	if (magic != BR_PROTO_REQUEST || n > 2ull * BR_MAX_FILE || !(bytes = br_try_alloc((size_t)n + 1)))
		return -1;
	ok = read_all(bytes, (size_t)n) == 1 || n == 0;
	br_extract__cpu_limit(BR_EXTRACT_CPU);
	if (ok && (format == BR_FMT_ZIP || format == BR_FMT_TAR))
		ok = unpack(format, br_slice(bytes, (size_t)n));
	else
		ok = ok && answer(format, br_slice(bytes, (size_t)n));
	free(bytes);
	if (n > 1u << 20)
		malloc_trim(0); /* what one large document took is not kept from then on */
	return ok ? 1 : -1;
}

static int probe(const struct br_extract__layers *on)
{
	if (on->off) {
		printf("sandbox: off, %s\n", on->off);
		return BR_EXTRACT_EXIT_WEAK;
	}
	printf("seccomp: %s\n", on->seccomp ? "on" : "off");
	if (on->landlock)
		printf("landlock: abi %d\n", on->landlock);
	else
		printf("landlock: not available\n");
	printf("limits: %s\n", on->limits ? "on" : "off");
	fflush(stdout);
	return on->landlock ? 0 : BR_EXTRACT_EXIT_WEAK;
}

int main(int argc, char **argv)
{
	static char out[512];
	struct br_extract__layers on;
	struct br_err err = { 0 };
	bool probing = argc == 2 && !strcmp(argv[1], "--probe");
	int rc;

	if (argc > 1 && !probing) {
		fprintf(stderr, "br-extract is started by br; by hand only: br-extract --probe\n");
		return br_err_info(BR_EUSAGE)->exit;
	}
	xmlInitParser();
	setenv("TZ", "UTC0", 1); /* libzip converts times: no file may be asked for then */
	tzset();
	setvbuf(stdout, out, _IOFBF, sizeof out); /* no system call of its own inside the sandbox */
	if (br_extract__sandbox(&on, &err) < 0) {
		if (probing)
			printf("sandbox: %s\n", err.msg);
		return BR_EXTRACT_EXIT_SANDBOX;
	}
	if (probing)
		return probe(&on);
	while ((rc = serve_one()) > 0)
		;
	return rc == 0 ? 0 : BR_EXTRACT_EXIT_PROTOCOL;
}
