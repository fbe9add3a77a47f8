/* `br version`: what this program is made of. */
#include "cmd.h"

#ifndef BR_VERSION
#define BR_VERSION "0"
#endif

/* What the doors to foreign libraries say of what stands behind them. */
static const char *(*const libraries[])(void) = {
	br_store_library, br_json_library, br_rx_library, br_hash_library, br_fts_library, br_corpus_library,
};

static void as_json(struct br_cli *c, const struct br_model_info *model)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kint(&j, "v", 1);
	br_json_kstr(&j, "version", BR_VERSION);
	br_json_kint(&j, "store_format", BR_STORE_FORMAT);
	br_json_key(&j, "model");
	br_json_obj(&j);
	br_json_kstr(&j, "id", model->id);
	br_json_kuint(&j, "dimensions", model->dim);
	br_json_end(&j);
	br_json_kstr(&j, "simd", br_simd_name(br_simd_level()));
	br_json_key(&j, "libraries");
	br_json_arr(&j);
	for (size_t i = 0; i < BR_COUNT(libraries); i++)
		br_json_str(&j, libraries[i]());
	br_json_end(&j);
	br_json_end(&j);
	br_out_line(&c->out);
}

static int version_run(struct br_cli *c, struct br_err *err)
{
	const struct br_model_info *model;

	(void)err;
	if (!c->opt.json && !c->opt.verbose) {
		br_out_s(&c->out, "br " BR_VERSION "\n");
		return 0;
	}
	model = br_model_info(br_model_builtin());
	if (c->opt.json) {
		as_json(c, model);
		return 0;
	}
	br_out_f(&c->out, "br %s\nstore format %d, model %s (%u dimensions), %s\n", BR_VERSION, BR_STORE_FORMAT, model->id,
	         model->dim, br_simd_name(br_simd_level()));
	for (size_t i = 0; i < BR_COUNT(libraries); i++)
		br_out_f(&c->out, "  %s\n", libraries[i]());
	return 0;
}

static const struct br_example examples[] = {
	{ "br version -v", "with formats, model and the libraries in use" },
	{ NULL },
};
const struct br_cmd br_cmd_version = {
	.name = "version", .group = "about", .summary = "show the version of br and of what it is made of",
	.run = version_run, .examples = examples,
};
