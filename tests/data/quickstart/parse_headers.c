/*
 * parse_headers - lists the headings of a Markdown file with their lines, as an outline.
 *
 *   cc -o parse_headers parse_headers.c
 *   ./parse_headers getting-started.md
 *
 * A small model of what br does when it reads a document: headings give each passage its place. Only headings that
 * begin with '#' are known here; br also knows the underlined kind.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LEVEL = 6, MAX_LINE = 4096 };

/* A fence of three backticks or tildes opens a block of code, in which '#' begins a comment and no heading. */
static bool is_fence(const char *line)
{
	return strncmp(line, "```", 3) == 0 || strncmp(line, "~~~", 3) == 0;
}

/* Level of the heading in this line, or 0: one to six '#', then a blank. */
static int heading_level(const char *line)
{
	int level = (int)strspn(line, "#");

	if (level < 1 || level > MAX_LEVEL || !isspace((unsigned char)line[level]))
		return 0;
	return level;
}

/* The words of a heading, without the marks in front of and behind them. */
static const char *heading_text(char *line, int level)
{
	char *text = line + level;
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n > 0 && (isspace((unsigned char)text[n - 1]) || text[n - 1] == '#'))
		text[--n] = '\0';
	return text;
}

static void print_outline(FILE *in)
{
	char line[MAX_LINE];
	bool in_code = false;

	for (int number = 1; fgets(line, sizeof line, in); number++) {
		if (is_fence(line))
			in_code = !in_code;
		int level = in_code ? 0 : heading_level(line);
		if (level)
			printf("%5d  %*s%s\n", number, 2 * (level - 1), "", heading_text(line, level));
	}
}

int main(int argc, char **argv)
{
	FILE *in;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE\n", argv[0]);
		return 129;
	}
	in = fopen(argv[1], "r");
	if (!in) {
		perror(argv[1]);
		return 128;
	}
	print_outline(in);
	fclose(in);
	return 0;
}
