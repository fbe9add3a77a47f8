/* text, inside: the br-extract child of one extractor, and what is done to bytes before they go to it. */
#ifndef BR_TEXT_HELPER_H
#define BR_TEXT_HELPER_H

#include "br/os.h"
#include "br/text.h"

struct br_text__helper {
	char *path;              /* of br-extract; NULL until it was looked for */
	struct br_child child;
	bool running;
	struct br_buf reply;
};
void br_text__helper_release(struct br_text__helper *h);
/*
 * Has the child read `bytes` as `format` and fills out. A child that dies or takes too long is gone afterwards; the next
 * call starts another.
 */
BR_MUST_USE int br_text__helper_ask(struct br_extracted *out, struct br_text__helper *h, enum br_format format,
                                    struct br_slice bytes, struct br_err *err);

/* br_decode for HTML: believes a <meta> that names an encoding where the bytes allow it. */
BR_MUST_USE int br_text__decode_html(struct br_buf *out, char encoding[24], struct br_slice bytes, struct br_err *err);

#endif
