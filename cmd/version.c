/* `br version`: what this program is made of. */
#include "cmd.h"

#include <limits.h>
#include <link.h>
#include <stdlib.h>

#ifndef BR_VERSION
#define BR_VERSION "0"
#endif

/* The libraries loaded into this process, with the file each name stands for: what runs, whatever was built against. */
struct libs {
	struct br_out *out;
	struct br_json *j; /* NULL: text */
};

static int each_lib(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct libs *l = arg;
	char file[PATH_MAX];
	const char *base;
	size_t name_len;

	(void)size;
	if (!strstr(info->dlpi_name, ".so") || !realpath(info->dlpi_name, file))
		return 0;
	base = br_path_base(info->dlpi_name);
	name_len = strcspn(base, ".");
	if (!l->j) {
		br_out_f(l->out, "  %-14.*s %s\n", (int)name_len, base, file);
		return 0;
	}
	br_json_obj(l->j);
	br_json_key(l->j, "name");
	br_json_strn(l->j, base, name_len);
	br_json_kstr(l->j, "file", file);
	br_json_end(l->j);
	return 0;
}

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
	dl_iterate_phdr(each_lib, &(struct libs){ &c->out, &j });
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
	dl_iterate_phdr(each_lib, &(struct libs){ &c->out, NULL });
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
