/* The description of an index file. Input: its JSON without the hash of itself, which is put behind. */
#include "fuzz.h"

#include "corpus/vindex.h"

static char *with_self(struct br_slice in, size_t *n)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	uint8_t self[16];
	char hex[33];

	br_buf_add(&b, in.ptr, in.len);
	while (b.len && fuzz_blank(b.ptr[b.len - 1]))
		b.len--;
	b.len -= b.len && b.ptr[b.len - 1] == '}';
	br_hash128(self, b.ptr, b.len);
	br_hex(hex, self, sizeof self);
	br_buf_addf(&b, ",\"self\":\"%s\"}\n", hex);
	return br_buf_take(&b, n);
}

static void save(const char *name, struct br_slice text)
{
	char *file = br_sprintf("index/%s.json", name);

	(void)fuzz_file(file, text);
	free(file);
}

static void check_whole(const struct sidecar *s)
{
	HOLDS(s->file.dim >= 1 && s->file.dim <= BR_ANN_MAX_DIM && s->file.vectors >= 1 && s->file.vectors <= s->file.rows);
	HOLDS(s->file.kind < BR_ANN_KIND_COUNT && s->file.recall[0] >= 0 && s->file.recall[0] <= 1);
	HOLDS(strlen(s->workspace) < sizeof s->workspace && strlen(s->notebook) < sizeof s->notebook);
	HOLDS(strlen(s->model_id) < sizeof s->model_id && strlen(s->faiss) < sizeof s->faiss);
}

/* As it is written it is read, but for what four decimals lose. */
static void check_again(const struct br_ws *ws, const struct sidecar *s)
{
	struct br_buf once = BR_BUF_INIT(SIZE_MAX), twice = BR_BUF_INIT(SIZE_MAX);
	struct sidecar again;

	sidecar_encode(&once, s);
	save(s->name, br_buf_slice(&once));
	HOLDS(sidecar_read(&again, ws, s->name, NULL) == 0);
	sidecar_encode(&twice, &again);
	HOLDS(br_slice_eq(br_buf_slice(&once), br_buf_slice(&twice)));
	HOLDS(again.size == s->size && again.inode == s->inode && again.mtime_ns == s->mtime_ns && again.numbering == s->numbering);
	HOLDS(again.generation == s->generation && again.dead == s->dead && !memcmp(again.hash, s->hash, sizeof s->hash));
	br_buf_release(&once);
	br_buf_release(&twice);
}

FUZZ(corpus_sidecar)
{
	static const char name[] = "00000000-0000-4000-8000-000000000000-0000000000000001-00000000";
	struct br_ws ws = { .dir = br_strdup(fuzz_dir()) };
	char *index = br_path_join(ws.dir, "index"), *text;
	struct sidecar s;
	struct br_err err = { 0 };
	size_t n;

	HOLDS(br_is_dir(index) || br_mkdirs(index, 0700, NULL) == 0);
	text = with_self(in, &n);
	save(name, br_slice(text, n));
	if (sidecar_read(&s, &ws, name, &err) == 0) {
		check_whole(&s);
		check_again(&ws, &s);
	} else {
		HOLDS(err.code == BR_ECORRUPT || err.code == BR_EVERSION || err.code == BR_ETOOBIG);
	}
	save(name, in);
	(void)!sidecar_read(&s, &ws, name, NULL);
	free(text);
	free(index);
	free(ws.dir);
}
