/*
 * Bodies that go to disk: each file of a form, or a raw body whole, into a file of its own in the workspace's tmp folder.
 */
#include "internal.h"

#include <stdlib.h>
#include <unistd.h>

static struct br_part *last_part(struct br_req *r)
{
	return &r->part.v[r->part.n - 1];
}

static struct br_part *add_part(struct br_req *r, const char *name, const char *type)
{
	struct br_part *p = br_vec_push(&r->part);

	*p = (struct br_part){ .name = br_arena_strdup(&r->arena, name), .type = br_arena_strdup(&r->arena, type), .fd = -1 };
	return p;
}

static int open_file(struct br_req *r, struct br_part *p, struct br_err *err)
{
	int fd = br_tmp_open(&p->path, r->server->tmp, 0666, err);

	if (fd < 0)
		return fd;
	p->fd = fd;
	return 0;
}

/* ---- parts of a form ---- */

static int part_begins(const char *name, const char *filename, const char *type, void *arg, struct br_err *err)
{
	struct br_req *r = arg;
	struct br_part *p = add_part(r, name, type);

	br_buf_reset(&r->value);
	if (!filename)
		return 0;
	p->filename = br_multipart__clean_name(&r->arena, filename);
	return open_file(r, p, err);
}

static int part_data(const char *text, size_t n, void *arg, struct br_err *err)
{
	struct br_req *r = arg;
	struct br_part *p = last_part(r);

	p->size += n;
	if (p->fd < 0) {
		br_buf_add(&r->value, text, n);
		return r->value.failed ? br_fail(err, BR_ETOOBIG, "the value '%.100s' is larger than %u bytes", p->name, BR_SERVE_FORM_VALUE) : 0;
	}
	return br_fd_write(p->fd, text, n) < 0 ? br_fail_errno(err, BR_EIO, "the upload cannot be stored") : 0;
}

static int part_ends(void *arg, struct br_err *err)
{
	struct br_req *r = arg;
	struct br_part *p = last_part(r);

	if (p->fd >= 0)
		return 0;
	if (br_utf8_valid(r->value.ptr, r->value.len) != r->value.len || memchr(r->value.ptr, 0, r->value.len))
		return br_fail(err, BR_EINPUT, "the value '%.100s' is not UTF-8", p->name);
	r->form_bytes += r->value.len;
	if (r->form_bytes > BR_SERVE_JSON_BODY)
		return br_fail(err, BR_ETOOBIG, "the values of the form are together larger than %u bytes", BR_SERVE_JSON_BODY);
	p->value = br_arena_strndup(&r->arena, r->value.ptr, r->value.len);
	return 0;
}

/* ---- a body ---- */

int br_upload__begin(struct br_req *r, struct br_err *err)
{
	const struct br_multipart_events ev = { part_begins, part_data, part_ends, r };
	const char *type = br_req_header(r, "Content-Type");

	if (r->row->route->body == BR_BODY_FORM)
		return br_multipart__new(&r->multipart, type ? type : "", &ev, err);
	return open_file(r, add_part(r, "body", type), err);
}

int br_upload__feed(struct br_req *r, struct br_slice block, bool last, struct br_err *err)
{
	int rc = 0;

	if (!r->multipart && !r->part.n && (rc = br_upload__begin(r, err)) < 0)
		return rc;
	if (!r->multipart)
		return part_data(block.ptr, block.len, r, err);
	rc = br_multipart__feed(r->multipart, block.ptr, block.len, err);
	return rc == 0 && last ? br_multipart__end(r->multipart, err) : rc;
}

void br_upload__release(struct br_req *r)
{
	for (size_t i = 0; i < r->part.n; i++) {
		struct br_part *p = &r->part.v[i];

		if (p->path)
			unlink(p->path);
		if (p->fd >= 0)
			close(p->fd);
		free(p->path);
	}
	r->part.n = 0;
	br_multipart__free(r->multipart);
	r->multipart = NULL;
}
