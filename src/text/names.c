/*
 * Formats by file name: well-known whole names, then the ending. Both tables are sorted, which a test checks.
 */
#include "internal.h"

#include <stdlib.h>

enum { NAME_MAX_LEN = 24 };
struct name { char name[NAME_MAX_LEN]; enum br_format format; };

#define C BR_FMT_CODE
#define P BR_FMT_PLAIN

static const struct name whole[] = {
	{ "authors", P }, { "brewfile", C }, { "build", C }, { "build.bazel", C }, { "changelog", P }, { "changes", P },
	{ "cmakelists.txt", C }, { "codeowners", P }, { "configure", C }, { "containerfile", C }, { "contributing", P },
	{ "contributors", P }, { "copying", P }, { "credits", P }, { "dockerfile", C }, { "gemfile", C }, { "gnumakefile", C },
	{ "go.mod", C }, { "go.sum", P }, { "history", P }, { "install", P }, { "jenkinsfile", C }, { "justfile", C }, { "kbuild", C },
	{ "kconfig", C }, { "licence", P }, { "license", P }, { "maintainers", P }, { "makefile", C }, { "meson.build", C },
	{ "news", P }, { "notice", P }, { "procfile", C }, { "rakefile", C }, { "readme", P }, { "requirements.txt", P },
	{ "robots.txt", P }, { "sconstruct", C }, { "thanks", P }, { "todo", P }, { "vagrantfile", C }, { "version", P },
	{ "workspace", C },
};

static const struct name endings_by_name[] = {
	{ "ad", BR_FMT_ASCIIDOC }, { "ada", C }, { "adb", C }, { "adoc", BR_FMT_ASCIIDOC }, { "ads", C },
	{ "asc", BR_FMT_ASCIIDOC }, { "asciidoc", BR_FMT_ASCIIDOC }, { "asm", C }, { "awk", C }, { "bas", C },
	{ "bash", C }, { "bat", C }, { "bib", C }, { "bzl", C }, { "c", C }, { "c++", C }, { "cc", C }, { "cfg", C },
	{ "cjs", C }, { "clj", C }, { "cljs", C }, { "cls", C }, { "cmake", C }, { "cmd", C }, { "coffee", C },
	{ "conf", C }, { "cpp", C }, { "cr", C }, { "cs", C }, { "csh", C }, { "css", C }, { "csv", BR_FMT_CSV },
	{ "cu", C }, { "cxx", C }, { "d", C }, { "dart", C }, { "desktop", C }, { "diff", C }, { "doc", BR_FMT_DOC },
	{ "dockerfile", C }, { "docm", BR_FMT_DOCX }, { "docx", BR_FMT_DOCX }, { "dot", BR_FMT_DOC },
	{ "dotm", BR_FMT_DOCX }, { "dotx", BR_FMT_DOCX }, { "dts", C }, { "dtsi", C }, { "el", C }, { "elm", C },
	{ "eml", BR_FMT_MAIL }, { "env", C }, { "epub", BR_FMT_EPUB }, { "erl", C }, { "ex", C }, { "exs", C },
	{ "f", C }, { "f90", C }, { "fish", C }, { "for", C }, { "fs", C }, { "fsx", C }, { "geojson", BR_FMT_JSON },
	{ "glsl", C }, { "go", C }, { "gradle", C }, { "graphql", C }, { "groovy", C }, { "h", C }, { "h++", C },
	{ "hcl", C }, { "hh", C }, { "hpp", C }, { "hrl", C }, { "hs", C }, { "htm", BR_FMT_HTML },
	{ "html", BR_FMT_HTML }, { "hxx", C }, { "idl", C }, { "inc", C }, { "ini", C }, { "ipynb", BR_FMT_IPYNB },
	{ "java", C }, { "jl", C }, { "js", C }, { "json", BR_FMT_JSON }, { "json5", C }, { "jsonl", BR_FMT_NDJSON },
	{ "jsx", C }, { "kt", C }, { "kts", C }, { "l", C }, { "ld", C }, { "less", C }, { "lisp", C }, { "log", P },
	{ "lua", C }, { "m", C }, { "m4", C }, { "mak", C }, { "markdown", BR_FMT_MARKDOWN }, { "mbox", BR_FMT_MBOX },
	{ "md", BR_FMT_MARKDOWN }, { "mdown", BR_FMT_MARKDOWN }, { "mdx", BR_FMT_MARKDOWN }, { "mjs", C }, { "mk", C },
	{ "mkd", BR_FMT_MARKDOWN }, { "ml", C }, { "mli", C }, { "mm", C }, { "ndjson", BR_FMT_NDJSON }, { "nim", C },
	{ "nix", C }, { "odp", BR_FMT_ODP }, { "ods", BR_FMT_ODS }, { "odt", BR_FMT_ODT }, { "otp", BR_FMT_ODP },
	{ "ots", BR_FMT_ODS }, { "ott", BR_FMT_ODT }, { "pas", C }, { "patch", C }, { "pdf", BR_FMT_PDF }, { "php", C },
	{ "pl", C }, { "pm", C }, { "po", C }, { "pot", C }, { "potm", BR_FMT_PPTX }, { "potx", BR_FMT_PPTX },
	{ "pp", C }, { "pps", BR_FMT_PPT }, { "ppsm", BR_FMT_PPTX }, { "ppsx", BR_FMT_PPTX }, { "ppt", BR_FMT_PPT },
	{ "pptm", BR_FMT_PPTX }, { "pptx", BR_FMT_PPTX }, { "pro", C }, { "properties", C }, { "proto", C },
	{ "ps1", C }, { "psm1", C }, { "psv", BR_FMT_CSV }, { "py", C }, { "pyi", C }, { "pyx", C },
	{ "qmd", BR_FMT_MARKDOWN }, { "r", C }, { "rb", C }, { "rest", BR_FMT_RST }, { "rmd", BR_FMT_MARKDOWN },
	{ "rs", C }, { "rst", BR_FMT_RST }, { "rtf", BR_FMT_RTF }, { "s", C }, { "sass", C }, { "sbt", C },
	{ "scala", C }, { "scm", C }, { "scss", C }, { "sed", C }, { "service", C }, { "sh", C },
	{ "shtml", BR_FMT_HTML }, { "sql", C }, { "srt", BR_FMT_SUBTITLES }, { "sty", C }, { "sv", C }, { "svelte", C },
	{ "swift", C }, { "tab", BR_FMT_TSV }, { "tcl", C }, { "tex", C }, { "text", P }, { "tf", C }, { "thrift", C },
	{ "toml", C }, { "ts", C }, { "tsv", BR_FMT_TSV }, { "tsx", C }, { "txt", P }, { "v", C }, { "vb", C },
	{ "vhd", C }, { "vhdl", C }, { "vim", C }, { "vtt", BR_FMT_SUBTITLES }, { "vue", C }, { "xhtml", BR_FMT_HTML },
	{ "xls", BR_FMT_XLS }, { "xlsm", BR_FMT_XLSX }, { "xlsx", BR_FMT_XLSX }, { "xlt", BR_FMT_XLS },
	{ "xltm", BR_FMT_XLSX }, { "xltx", BR_FMT_XLSX }, { "xml", BR_FMT_XML }, { "xsd", C }, { "xsl", C }, { "y", C },
	{ "yaml", C }, { "yml", C }, { "zig", C }, { "zsh", C },
};
#undef C
#undef P

static int by_name(const void *a, const void *b) { return strcmp(a, ((const struct name *)b)->name); }

static enum br_format look_up(const struct name *v, size_t n, const char *p, size_t len)
{
	char key[NAME_MAX_LEN] = "";
	const struct name *found;

	if (!len || len >= sizeof key)
		return BR_FMT_UNKNOWN;
	for (size_t i = 0; i < len; i++)
		key[i] = p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] | 32) : p[i];
	found = bsearch(key, v, n, sizeof *v, by_name);
	return found ? found->format : BR_FMT_UNKNOWN;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

enum br_format br_text__by_name(const char *name)
{
	const char *base = base_name(name), *dot = strrchr(base, '.');
	size_t stem = strcspn(base, ".");
	enum br_format f = look_up(whole, BR_COUNT(whole), base, strlen(base));

	if (!f && dot && dot != base)
		f = look_up(endings_by_name, BR_COUNT(endings_by_name), dot + 1, strlen(dot + 1));
	/* "Dockerfile.debug", "LICENSE.MIT", "README.de" */
	if (!f && dot)
		f = look_up(whole, BR_COUNT(whole), base, stem);
	return f;
}
