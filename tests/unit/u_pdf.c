/*
 * PDF: what pdftotext's words become - headings, paragraphs, pages, columns, lists - and what is refused. The files are
 * made here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "documents.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool no_tool(void)
{
	char *path = br_tool_find("pdftotext");

	if (no_helper())
		return true;
	if (!path)
		print_message("skipped: no pdftotext\n");
	free(path);
	return !path;
}

static void pdf_gives(const struct pdf_line *v, size_t n, int pages, const char *info, const char *title,
                      const char *expected)
{
	struct br_buf pdf = BR_BUF_INIT(16 << 20);

	make_pdf(&pdf, v, n, pages, info);
	bytes_give("a.pdf", br_buf_slice(&pdf), BR_FMT_PDF, title, expected);
	br_buf_release(&pdf);
}

#define FULL "words that fill a line of the page from one margin to the other one"

static void test_headings_and_paragraphs(void **state)
{
	static const struct pdf_line v[] = {
		{ 1, 60, 740, 24, "The Lighthouse" }, { 1, 60, 700, 16, "Its lamp" }, { 1, 60, 670, 11, "Oil burned, and the " FULL },
		{ 1, 60, 657, 11, "went on, with an in-" }, { 1, 60, 644, 11, "teresting end." }, { 1, 60, 600, 11,
		"1.2 Keepers of the light" },
		{ 1, 60, 570, 11, "They slept by day." },
	};

	(void)state;
	if (no_tool())
		skip();
	pdf_gives(v, BR_COUNT(v), 1, NULL, "The Lighthouse",
	          "H1 p1 The Lighthouse\nH2 p1 Its lamp\nP0 p1 Oil burned, and the " FULL " went on, with an interesting end.\n"
	          "H3 p1 1.2 Keepers of the light\nP0 p1 They slept by day.\n");
}

static void test_a_number_apart_from_its_heading(void **state)
{
	static const struct pdf_line v[] = {
		{ 1, 60, 700, 15, "4.1" }, { 1, 110, 700, 15, "Storms at sea" }, { 1, 60, 670, 11, "It blew " FULL "." },
		{ 1, 60, 657, 11, "All night " FULL "." },
	};

	(void)state;
	if (no_tool())
		skip();
	pdf_gives(v, BR_COUNT(v), 1, NULL, "(none)", "H3 p1 4.1 Storms at sea\nP0 p1 It blew " FULL ". All night " FULL ".\n");
}

static void test_lists(void **state)
{
	static const struct pdf_line v[] = {
		{ 1, 60, 700, 11, "What one needs for the " FULL ":" }, { 1, 60, 680, 11, "\\267 a rope" }, { 1, 60, 667, 11,
		"\\267 a bell that is heard" },
		{ 1, 75, 654, 11, "far away" }, { 1, 60, 630, 11, "1. first" }, { 1, 60, 617, 11, "2. second" },
	};

	(void)state;
	if (no_tool())
		skip();
	pdf_gives(v, BR_COUNT(v), 1, NULL, NULL,
	          "P0 p1 What one needs for the " FULL ":\nL1 p1 - a rope\nL1 p1 - a bell that is heard far away\nL1 p1 1. first\nL1 p1 2. second\n");
}

static void test_columns_are_read_one_after_the_other(void **state)
{
	struct pdf_line v[24];
	char text[24][64], expected[4096] = "P0 p1 ";

	(void)state;
	if (no_tool())
		skip();
	for (int i = 0; i < 24; i++) { /* drawn row by row, over both columns */
		int column = i % 2, row = i / 2;
		snprintf(text[i], sizeof text[i], "column %d line %02d of many words here", column + 1, row);
		v[i] = (struct pdf_line){ 1, 50 + column * 270, 700 - 13 * row, 11, text[i] };
	}
	for (int i = 0; i < 24; i++)
		snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s%s", i ? " " : "",
		         text[i % 12 * 2 + i / 12]);
	strcat(expected, "\n");
	pdf_gives(v, BR_COUNT(v), 1, NULL, NULL, expected);
}

/* Drawn column by column, and far enough apart that each column is a block of its own. */
static void test_tables(void **state)
{
	static const char *const cell[4][3] = { { "Model", "Score", "Size" }, { "ELMo", "68.7", "180" }, { "BERT base",
		"79.5", "110" }, { "Distilled", "77.0", "66" } };
	struct pdf_line v[16];
	size_t n = 0;

	(void)state;
	if (no_tool())
		skip();
	v[n++] = (struct pdf_line){ 1, 60, 700, 11, "What the table shows is " FULL "." };
	v[n++] = (struct pdf_line){ 1, 60, 687, 11, "It is small, but " FULL "." };
	for (int column = 0; column < 3; column++)
		for (int row = 0; row < 4; row++)
			v[n++] = (struct pdf_line){ 1, 80 + 150 * column, 640 - 14 * row, 11, cell[row][column] };
	v[n++] = (struct pdf_line){ 1, 60, 550, 11, "After it comes " FULL "." };
	pdf_gives(v, n, 1, NULL, NULL, "P0 p1 What the table shows is " FULL ". It is small, but " FULL ".\n"
	                               "T0 p1 Model | Score | Size^~ELMo | 68.7 | 180~BERT base | 79.5 | 110~Distilled | 77.0 | 66\nP0 p1 After it comes " FULL ".\n");
}

static void test_headers_and_page_numbers_are_dropped(void **state)
{
	struct pdf_line v[16];
	char number[4][32], body[4][96];
	size_t n = 0;

	(void)state;
	if (no_tool())
		skip();
	for (int p = 0; p < 4; p++) {
		snprintf(number[p], sizeof number[p], "Page %d of 4", p + 1);
		snprintf(body[p], sizeof body[p], "The " FULL " ends on page %c.", 'a' + p);
		v[n++] = (struct pdf_line){ p + 1, 60, 770, 9, "Annual report" };
		v[n++] = (struct pdf_line){ p + 1, 60, 400, 11, body[p] };
		v[n++] = (struct pdf_line){ p + 1, 280, 30, 9, number[p] };
	}
	pdf_gives(v, n, 4, NULL, "(none)", "P0 p1 The " FULL " ends on page a.\nP0 p2 The " FULL " ends on page b.\n"
	                                   "P0 p3 The " FULL " ends on page c.\nP0 p4 The " FULL " ends on page d.\n");
}

/* One text, but a block for each page: the word that was divided stays whole, in the first. */
static void test_a_paragraph_over_two_pages(void **state)
{
	static const struct pdf_line v[] = {
		{ 1, 60, 100, 11, "The " FULL " was in-" }, { 2, 60, 700, 11, "teresting and went on for the " FULL "." },
	};
	struct br_buf pdf = BR_BUF_INIT(1 << 20);
	struct br_extracted e;
	struct br_err err;

	(void)state;
	if (no_tool())
		skip();
	pdf_gives(v, BR_COUNT(v), 2, NULL, NULL, "P0 p1 The " FULL " was interesting\nP0 p2 and went on for the " FULL ".\n");
	br_extracted_init(&e);
	make_pdf(&pdf, v, BR_COUNT(v), 2, NULL);
	assert_int_equal(extract_bytes(&e, "a.pdf", BR_FMT_UNKNOWN, br_buf_slice(&pdf), &err), 0);
	assert_non_null(strstr(e.text.ptr, "was interesting and went"));
	br_extracted_release(&e);
	br_buf_release(&pdf);
}

static void test_titles(void **state)
{
	static const struct pdf_line v[] = { { 1, 60, 700, 11, "Body of the " FULL "." }, { 1, 60, 760, 20, "Shown above" } };
	static const struct { const char *info, *title; } cases[] = {
		{ "/Info<</Title(Tides & currents)>>", "Tides & currents" }, { "/Info<</Title(Microsoft Word - a1.doc)>>",
		"Shown above" },
		{ "/Info<</Title(Untitled 2)>>", "Shown above" }, { "/Info<</Title(final.indd)>>", "Shown above" },
		{ "/Info<</Title(\\376\\377\\000C\\000a\\000f\\000\\351)>>", "Caf\xc3\xa9" }, { NULL, "Shown above" },
	};

	(void)state;
	if (no_tool())
		skip();
	for (size_t i = 0; i < BR_COUNT(cases); i++)
		pdf_gives(v, BR_COUNT(v), 1, cases[i].info, cases[i].title, "H1 p1 Shown above\nP0 p1 Body of the " FULL ".\n");
}

static void test_refused(void **state)
{
	static const struct pdf_line none[] = { { 9, 0, 0, 1, "" } };
	struct br_buf pdf = BR_BUF_INIT(1 << 20);

	(void)state;
	if (no_tool())
		skip();
	make_pdf(&pdf, none, 1, 2, NULL);
	bytes_refused("empty.pdf", br_buf_slice(&pdf), -BR_EUNSUPPORTED, "no text");
	br_buf_adds(&pdf, "9 0 obj\n<</Subtype/Image>>\nendobj\n");
	bytes_refused("scan.pdf", br_buf_slice(&pdf), -BR_EUNSUPPORTED, "scan");
	make_pdf(&pdf, none, 1, 1, "/Encrypt<</Filter/Standard/V 2/R 3/Length 128/P -4/O(01234567890123456789012345678901)/U(01234567890123456789012345678901)>>"
	                           "/ID[(0123456789012345)(0123456789012345)]");
	bytes_refused("locked.pdf", br_buf_slice(&pdf), -BR_EUNSUPPORTED, "needs a password");
	bytes_refused("broken.pdf", br_slice_str("%PDF-1.4\nnothing more\n"), -BR_EINPUT, "damaged");
	br_buf_release(&pdf);
}

/* The table of offsets is gone: poppler finds the objects all the same. */
static void test_a_damaged_file_is_recovered(void **state)
{
	static const struct pdf_line v[] = { { 1, 60, 700, 11, "What is left of it." } };
	struct br_buf pdf = BR_BUF_INIT(1 << 20);

	(void)state;
	if (no_tool())
		skip();
	make_pdf(&pdf, v, 1, 1, NULL);
	memcpy(strstr(pdf.ptr, "xref"), "????", 4);
	bytes_give("damaged.pdf", br_buf_slice(&pdf), BR_FMT_PDF, NULL, "P0 p1 What is left of it.\n");
	br_buf_release(&pdf);
}

static void test_mutated_files(void **state)
{
	static const struct pdf_line v[] = { { 1, 60, 760, 20, "Title" }, { 1, 60, 700, 11, "Some text of it." }, { 2, 60,
		700, 11, "More." } };
	struct br_buf pdf = BR_BUF_INIT(1 << 20);
	struct br_extracted e;
	uint64_t seed = 5;

	(void)state;
	if (no_tool())
		skip();
	make_pdf(&pdf, v, BR_COUNT(v), 2, NULL);
	br_extracted_init(&e);
	for (int round = 0; round < 60; round++) {
		char *bad = br_strndup(pdf.ptr, pdf.len);
		struct br_err err = { 0 };
		int rc;
		for (int k = 0; k < 1 + round % 20; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			bad[9 + (seed >> 33) % (pdf.len - 9)] = (char)(seed >> 20);
		}
		rc = extract_bytes(&e, "a.pdf", BR_FMT_PDF, br_slice(bad, pdf.len), &err);
		if (rc < 0 && rc != -BR_EUNSUPPORTED && rc != -BR_EINPUT)
			fail_msg("round %d: %s", round, err.msg);
		free(bad);
	}
	br_extracted_release(&e);
	br_buf_release(&pdf);
}

static void test_without_the_program(void **state)
{
	char *path = br_strdup(getenv("PATH"));

	(void)state;
	if (no_helper()) {
		free(path);
		skip();
	}
	setenv("PATH", "/nonexistent", 1);
	bytes_refused("a.pdf", br_slice_str("%PDF-1.4\n"), -BR_EUNSUPPORTED, "needs pdftotext");
	setenv("PATH", path ? path : "/usr/bin", 1);
	free(path);
}

/* ---- a program of another kind in place of pdftotext ---- */

static char dir[] = "/tmp/br-pdf-XXXXXX";

static void fake_says(const char *script, int rc, const char *message)
{
	char path[64], *old = br_strdup(getenv("PATH")), all[8192];
	FILE *f;

	snprintf(path, sizeof path, "%s/pdftotext", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", script);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
	snprintf(all, sizeof all, "%s:%s", dir, old ? old : "/usr/bin:/bin");
	setenv("PATH", all, 1);
	if (rc < 0)
		bytes_refused("a.pdf", br_slice_str("%PDF-1.4\n"), rc, message);
	else
		bytes_give("a.pdf", br_slice_str("%PDF-1.4\n"), BR_FMT_PDF, NULL, message);
	setenv("PATH", old ? old : "/usr/bin:/bin", 1);
	free(old);
	unlink(path);
}

#define ROW(text) "<page width=\"600\" height=\"800\"><flow>\n<page width=\"600\" height=\"800\">\n<block xMin=\"1\">\n" \
	"<line xMin=\"10\" yMin=\"400\" xMax=\"90\" yMax=\"411\">\n<word xMin=\"10\" yMin=\"400\" xMax=\"90\" yMax=\"411\">" text "</word>\n</line>\n"

static void test_what_it_says_is_not_believed(void **state)
{
	(void)state;
	if (no_helper())
		skip();
	assert_non_null(mkdtemp(dir));
	fake_says("echo '" ROW("a &amp; b &lt;c&gt; \xef\xac\x81x") "'", 0, "P0 p2 a & b <c> fix\n");
	fake_says("printf '" ROW("bad \\377\\001 bytes") "'", 0, "P0 p2 bad \xef\xbf\xbd bytes\n");
	fake_says("echo '<word xMin=\"nan\">lost</word>'; echo '</line></line>'; echo '<line '; echo '</line>'",
	          -BR_EUNSUPPORTED, "no text");
	fake_says("printf '" ROW("cut") "<line xMin=\"1\"><word'", 0, "P0 p2 cut\n");
	fake_says("kill -SEGV $$", -BR_EINPUT, "status");
	fake_says("exit 3", -BR_EUNSUPPORTED, "permit");
	fake_says("exit 99", -BR_EINPUT, "damaged");
	rmdir(dir);
}

/*
 * The limit of processor time, which a process can lower for its children, but not raise again: hence one of our own.
 */
static void test_endless(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	if (no_helper())
		skip();
	assert_non_null(mkdtemp(strcpy(dir, "/tmp/br-pdf-XXXXXX")));
	if ((pid = fork()) == 0) {
		struct rusage used;
		struct rlimit l = { 0, 0 };
		getrusage(RUSAGE_SELF, &used);
		l.rlim_cur = l.rlim_max = (rlim_t)used.ru_utime.tv_sec + (rlim_t)used.ru_stime.tv_sec + 2;
		setrlimit(RLIMIT_CPU, &l);
		fake_says("while :; do :; done", -BR_ETIMEOUT, "processor time");
		_exit(7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	rmdir(dir);
}

/* The sandbox of the tool: files outside of the system's folders, new processes and the network are out of reach. */
static void test_confined(void **state)
{
	(void)state;
	if (no_helper())
		skip();
	assert_non_null(mkdtemp(strcpy(dir, "/tmp/br-pdf-XXXXXX")));
	fake_says("read -r line < /etc/passwd && exit 0; exit 3", -BR_EUNSUPPORTED, "permit");
	fake_says("echo x > /tmp/br-pdf-escape && exit 0; exit 3", -BR_EUNSUPPORTED, "permit");
	fake_says("/bin/true; [ $? -gt 1 ] || exit 0; exit 3", -BR_EINPUT, "status 2");
	assert_int_not_equal(access("/tmp/br-pdf-escape", F_OK), 0);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headings_and_paragraphs),
		cmocka_unit_test(test_a_number_apart_from_its_heading),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_columns_are_read_one_after_the_other),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_headers_and_page_numbers_are_dropped),
		cmocka_unit_test(test_a_paragraph_over_two_pages),
		cmocka_unit_test(test_titles),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_a_damaged_file_is_recovered),
		cmocka_unit_test(test_mutated_files),
		cmocka_unit_test(test_without_the_program),
		cmocka_unit_test(test_what_it_says_is_not_believed),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_confined),
	};

	return cmocka_run_group_tests(tests, NULL, documents_end);
}
