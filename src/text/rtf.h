/* text, inside: the words of RTF, and code pages by number. */
#ifndef BR_TEXT_RTF_H
#define BR_TEXT_RTF_H

#include "internal.h"

enum { BR_RTF__NAME = 20 };

enum br_rtf__what {
	RTF_PLACE,      /* what follows in this group belongs to the place in `value` */
	RTF_TEXT,
	RTF_CHAR,       /* stands for the character in `value` */
	RTF_PAR, RTF_CELL, RTF_ROW, RTF_INTBL, RTF_PARD, RTF_ITEM, RTF_LIST, RTF_OUTLINE, RTF_STYLE, RTF_HIDDEN, RTF_PLAIN, RTF_FONT,
	RTF_CHARSET, RTF_ANSI, RTF_UC, RTF_U, RTF_BIN,
};
struct br_rtf__word { char name[BR_RTF__NAME]; uint8_t what; uint16_t value; };
const struct br_rtf__word *br_rtf__find(const char *name); /* NULL: not known */

/* ---- code pages (codepage.c): converters that are kept between runs of bytes ---- */

struct br_text__codepage { unsigned page; void *converter; };
void br_text__codepage_release(struct br_text__codepage *c);
/* Appends bytes of that page (1252, 932 ...) as UTF-8; U+FFFD for what is none. A page that is not known is taken for 1252. */
void br_text__from_codepage(struct br_buf *out, struct br_text__codepage *c, unsigned page, struct br_slice bytes);
bool br_text__is_double(unsigned page);        /* characters of two bytes, the second of which may be ASCII */
unsigned br_text__charset_page(int32_t charset); /* of a Windows font */

#endif
