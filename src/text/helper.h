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

/*
 * Has the child unpack a container; then each call of _member gives one of its members: 1, 0 at the end, negative when the container
 * is damaged or a limit was met. The body holds until the next call. Who stops before the end must release the helper.
 */
BR_MUST_USE int br_text__helper_unpack(struct br_text__helper *h, enum br_format format, struct br_slice bytes, struct br_err *err);
BR_MUST_USE int br_text__helper_member(struct br_text__helper *h, uint32_t *code, struct br_slice *body, struct br_err *err);

/* Path of a program that comes with br: beside the running one, else in the library folder; caller frees. */
char *br_text__find_helper(const char *name);
bool br_text__nonblocking(int fd);
/* write(2) to a pipe whose reader may be gone, without SIGPIPE and without touching how the process handles it. */
ssize_t br_text__write_quiet(int fd, const void *p, size_t n);

/* ---- tool.c: programs of others, run by br-confine for one document ---- */

#define BR_TEXT__TOOL_FILE "/proc/self/fd/0"

struct br_text__tool {
	const char *const *argv;     /* the name of the program, then its arguments; NULL-terminated */
	const char *package;         /* that has it, for the message when it is missing */
	const char *const *env;      /* NULL: empty */
	const char *confine;         /* path of br-confine, NULL to find it */
	struct br_slice in;          /* goes to its standard input */
	bool file;                   /* which it can open as BR_TEXT__TOOL_FILE, and move in */
	int (*sink)(void *arg, const char *p, size_t n); /* gets what it writes; negative stops it */
	void *arg;
};
/*
 * Runs it to its end; *status is its exit status. INPUT when it is missing or was killed, TIMEOUT, TOOBIG when it writes more than
 * BR_EXTRACT_OUTPUT.
 */
BR_MUST_USE int br_text__tool_run(const struct br_text__tool *t, int *status, struct br_err *err);

/* Word, Excel and PowerPoint of before 2007, by the programs of catdoc; the text of pictures and scans, by tesseract. */
BR_MUST_USE int br_text__read_old_office(struct br_extracted *out, const char *confine, enum br_format format, struct br_slice bytes, struct br_err *err);
BR_MUST_USE int br_text__ocr_image(struct br_extracted *out, const char *confine, const char *lang, struct br_slice bytes, struct br_err *err);
BR_MUST_USE int br_text__ocr_pdf(struct br_extracted *out, const char *confine, const char *lang, struct br_slice bytes, struct br_err *err);
/* UNSUPPORTED "needs X: apt install Y" when the program is missing. */
BR_MUST_USE int br_text__tool_needs(const char *program, const char *package, struct br_err *err);

/* A PDF by pdftotext. */
BR_MUST_USE int br_text__pdf(struct br_extracted *out, const char *confine, struct br_slice bytes, struct br_err *err);

/* br_decode with the name of an encoding that came with the bytes (any case, empty: none), as browsers understand it. */
BR_MUST_USE int br_text__decode_as(struct br_buf *out, char encoding[24], struct br_slice bytes, struct br_slice label, struct br_err *err);
/* br_decode for HTML: believes a <meta> that names an encoding where the bytes allow it. */
BR_MUST_USE int br_text__decode_html(struct br_buf *out, char encoding[24], struct br_slice bytes, struct br_err *err);

/* The same for XML and the encoding its first line names. */
BR_MUST_USE int br_text__decode_xml(struct br_buf *out, char encoding[24], struct br_slice bytes, struct br_err *err);

/* ---- formats read here from the bytes as they are ---- */

BR_MUST_USE int br_text__read_mail(struct br_extracted *out, struct br_text__helper *h, struct br_slice bytes, struct br_err *err);
BR_MUST_USE int br_text__read_rtf(struct br_extracted *out, struct br_slice bytes, struct br_err *err);

#endif
