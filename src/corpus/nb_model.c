/*
 * The language model of a notebook: the configured one, with what the notebook's own settings say of provider, model, temperature and
 * length. What a notebook does not say stays as configured: the defaults of its table are those of other products.
 */
#include "internal.h"

#include "br/llm.h"

int br_nb_llm_open(struct br_llm **out, const struct br_config *c, const struct br_nb *nb, struct br_err *err)
{
	struct br_nb_values *v = br_nb_values_new(nb);
	double heat = br_nb_num(v, "chat.temperature");
	const struct br_llm_wish wish = {
		.provider = br_nb_is_set(v, "chat.provider") ? br_nb_str(v, "chat.provider") : NULL,
		.model = br_nb_is_set(v, "chat.model") && *br_nb_str(v, "chat.model") ? br_nb_str(v, "chat.model") : NULL,
		.temperature = br_nb_is_set(v, "chat.temperature") ? &heat : NULL,
		.max_tokens = br_nb_is_set(v, "chat.max_tokens") ? br_nb_int(v, "chat.max_tokens") : 0,
	};
	int rc = 0;

	*out = NULL;
	if (br_llm_configured(c, BR_LLM_CHAT))
		rc = br_llm_open_wish(out, c, BR_LLM_CHAT, &wish, err);
	br_nb_values_free(v);
	return rc;
}
