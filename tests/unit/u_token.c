/* The tokenizer: what becomes of words of many languages, identifiers and numbers; positions, offsets, odd and hostile input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "br/fts.h"

#include <stdio.h>
#include <stdlib.h>

static int setup(void **state)
{
	*state = br_tokenizer_new();
	return 0;
}

static int teardown(void **state)
{
	br_tokenizer_free(*state);
	return 0;
}

/* "term" per token; a whole identifier in [], bigrams after '~', numbers after '#'. */
static const char *show(const struct br_tokens *k)
{
	static char out[4096];
	char *p = out;

	*p = 0;
	for (size_t i = 0; i < k->v.n; i++) {
		const struct br_token *t = &k->v.v[i];
		bool whole = t->flags & BR_TOK_WHOLE;

		p += snprintf(p, sizeof out - (size_t)(p - out), "%s%s%s%s%.*s%s", i ? " " : "", whole ? "[" : "", t->flags & BR_TOK_CJK ? "~" : "",
		              t->flags & BR_TOK_NUM ? "#" : "", t->term_len, t->term, whole ? "]" : "");
	}
	return out;
}

static const char *tokens(struct br_tokenizer *t, const char *lang, const char *text)
{
	br_tokenizer_lang(t, lang);
	return show(br_tokenize(t, br_slice_str(text)));
}

/* All words of the text become one term in this language. */
static void same(struct br_tokenizer *t, const char *lang, const char *text)
{
	const struct br_tokens *k;

	br_tokenizer_lang(t, lang);
	k = br_tokenize(t, br_slice_str(text));
	assert_true(k->v.n > 1);
	for (size_t i = 1; i < k->v.n; i++)
		if (!br_slice_eq(br_slice(k->v.v[0].term, k->v.v[0].term_len), br_slice(k->v.v[i].term, k->v.v[i].term_len)))
			fail_msg("%s: '%s' gives %s", lang, text, show(k));
}

static void differ(struct br_tokenizer *t, const char *lang, const char *a, const char *b)
{
	char first[256];

	snprintf(first, sizeof first, "%s", tokens(t, lang, a));
	assert_string_not_equal(first, tokens(t, lang, b));
}

static void plain_words(void **state)
{
	assert_string_equal(tokens(*state, "", "The quick, brown fox -- jumped!"), "the quick brown fox jumped");
	assert_string_equal(tokens(*state, "en", "The quick, brown foxes -- jumped!"), "the quick brown fox jump");
	assert_string_equal(tokens(*state, "en", "HTTP Http http"), "http http http");
	assert_string_equal(tokens(*state, "en", "state-of-the-art and/or"), "state of the art and or");
	assert_string_equal(tokens(*state, "", ""), "");
	assert_string_equal(tokens(*state, "", " \n.,;:!?-_'\" \xe2\x80\x94 \xe2\x82\xac "), "");
	assert_string_equal(tokens(*state, "", "a b. c"), "a b c");
	assert_string_equal(tokens(*state, "xx", "jumped"), "jumped");
	assert_string_equal(tokens(*state, "english", "jumped"), "jumped");
}

static void apostrophes(void **state)
{
	assert_string_equal(tokens(*state, "en", "the reset's don't"), "the reset dont");
	assert_string_equal(tokens(*state, "en", "the reset\xe2\x80\x99s don\xe2\x80\x99t"), "the reset dont");
	assert_string_equal(tokens(*state, "en", "'quoted' users' O'Reilly's"), "quot user oreilli");
	assert_string_equal(tokens(*state, "fr", "l'op\xc3\xa9ra d\xe2\x80\x99une qu'il"), "l oper d une qu il");
	assert_string_equal(tokens(*state, "fr", "aujourd'hui quelqu'un"), "aujourdhui quelqu un");
	assert_string_equal(tokens(*state, "it", "dell'arte un po'"), "dell arte un po");
	assert_string_equal(tokens(*state, "ca", "l'aigua"), "l aigu");
	assert_string_equal(tokens(*state, "", "l'opera D'Artagnan qu'il don't rock'n'roll"), "l opera d artagnan qu il dont rocknroll");
	assert_string_equal(tokens(*state, "en", "l'opera"), "lopera");
}

static void identifiers(void **state)
{
	assert_string_equal(tokens(*state, "en", "parseHTTPHeader"), "[parsehttpheader] pars http header");
	assert_string_equal(tokens(*state, "en", "max_connections"), "[max_connections] max connect");
	assert_string_equal(tokens(*state, "en", "std::vector"), "std vector");
	assert_string_equal(tokens(*state, "en", "foo.bar()"), "[foo.bar] foo bar");
	assert_string_equal(tokens(*state, "", "GitHub iOS MP3Player Base64Encoder"),
	                    "[github] git hub [ios] i os [#mp3player] #mp3 player [#base64encoder] #base64 encoder");
	assert_string_equal(tokens(*state, "en", "PDFs VMs IDs"), "pdf vm id");
	assert_string_equal(tokens(*state, "", "__init__ _x_ a__b"), "init x [a__b] a b");
	assert_string_equal(tokens(*state, "en", "the end.Next one."), "the [end.next] end next one");
	assert_string_equal(tokens(*state, "", "U.S.A. e.g. this"), "[u.s.a] u s a [e.g] e g this");
	assert_string_equal(tokens(*state, "", "C++ and c++11, C# F#; c+ b#"), "c++ and c++ #11 c# f# c b");
	assert_string_equal(tokens(*state, "", "on .NET (.gitignore) f().x ..a"), "on [.net] net [.gitignore] gitignore f x a");
	assert_string_equal(tokens(*state, "", "fooBar's"), "[foobar] foo bar");
	assert_string_equal(tokens(*state, "", "\xd0\xb8\xd0\xbc\xd1\x8f\xd0\xa4\xd0\xb0\xd0\xb9\xd0\xbb\xd0\xb0"), /* имяФайла */
	                    "[\xd0\xb8\xd0\xbc\xd1\x8f\xd1\x84\xd0\xb0\xd0\xb9\xd0\xbb\xd0\xb0] \xd0\xb8\xd0\xbc\xd1\x8f \xd1\x84\xd0\xb0\xd0\xb9\xd0\xbb\xd0\xb0");
}

static void numbers(void **state)
{
	assert_string_equal(tokens(*state, "en", "utf8 sha256 x86 HTTP2 H2O 3D"), "#utf8 #sha256 #x86 #http2 #h2o #3d");
	assert_string_equal(tokens(*state, "en", "v1.2.3 3.13"), "[#v1.2.3] #v1 #2 #3 [#3.13] #3 #13");
	assert_string_equal(tokens(*state, "en", "1,000 12,345,678 1,000s"), "#1000 #12345678 #1000s");
	assert_string_equal(tokens(*state, "en", "1,2 12,34 1234,567 1,0000 a1,000"), "#1 #2 #12 #34 #1234 #567 #1 #0000 #a1 #000");
	assert_string_equal(tokens(*state, "en", "1,000.50"), "[#1000.50] #1000 #50");
	assert_string_equal(tokens(*state, "en", "1, 2 and 2024-01-31"), "#1 #2 and #2024 #01 #31");
	assert_string_equal(tokens(*state, "", "x\xc2\xb2 \xc2\xbd"), "#x2 #1\xe2\x81\x84"
	                                                              "2"); /* NFKC of one half: 1, fraction slash, 2 */
}

static void english(void **state)
{
	same(*state, "en", "connect connects connected connecting connection connections");
	same(*state, "en", "index indexes indexed indexing");
	same(*state, "en", "query queries");
	differ(*state, "en", "university", "universe2");
	differ(*state, "en", "news", "new");
}

static void german(void **state)
{
	same(*state, "de", "B\xc3\xbc""cher B\xc3\xbc""chern Bucher B\xc3\x9c""CHER bu\xcc\x88""cher"); /* the last one decomposed */
	same(*state, "de", "Haus haus H\xc3\xa4user H\xc3\xa4usern h\xc3\xa4user");
	same(*state, "de", "Stra\xc3\x9f""e Strasse STRASSEN");
	assert_string_equal(tokens(*state, "de", "Daten-Bank"), "dat bank");
}

static void romance(void **state)
{
	same(*state, "fr", "\xc3\xa9l\xc3\xa8ves \xc3\xa9l\xc3\xa8ve eleves eleve \xc3\x89L\xc3\x88VE");
	same(*state, "fr", "activit\xc3\xa9 activit\xc3\xa9s activite activites");
	same(*state, "fr", "cr\xc3\xa9\xc3\xa9""e creee cr\xc3\xa9\xc3\xa9""es");
	same(*state, "es", "canci\xc3\xb3n canciones cancion");
	same(*state, "es", "educaci\xc3\xb3n educacion educaciones");
	same(*state, "es", "habl\xc3\xb3 hablo hablar");
	same(*state, "it", "citt\xc3\xa0 citta");
	same(*state, "it", "universit\xc3\xa0 universita");
	same(*state, "pt", "a\xc3\xa7\xc3\xa3o a\xc3\xa7\xc3\xb5""es acao acoes");
	same(*state, "pt", "informa\xc3\xa7\xc3\xa3o informa\xc3\xa7\xc3\xb5""es informacao informacoes");
	same(*state, "ca", "informaci\xc3\xb3 informacio informacions");
	differ(*state, "es", "canci\xc3\xb3n", "cancha");
}

static void other_languages(void **state)
{
	same(*state, "nl", "boek boeken");
	same(*state, "sv", "b\xc3\xb6""cker b\xc3\xb6""ckerna bocker");
	same(*state, "ru", "\xd0\xba\xd0\xbd\xd0\xb8\xd0\xb3\xd0\xb0 \xd0\xba\xd0\xbd\xd0\xb8\xd0\xb3\xd0\xb8 \xd0\x9a\xd0\x9d\xd0\x98\xd0\x93\xd0\x9e\xd0\x99"); /* книга книги КНИГОЙ */
	same(*state, "ru", "\xd1\x91\xd0\xbb\xd0\xba\xd0\xb0 \xd0\xb5\xd0\xbb\xd0\xba\xd0\xb0 \xd0\x81\xd0\x9b\xd0\x9a\xd0\x98");                         /* ёлка елка ЁЛКИ */
	same(*state, "ru", "\xd0\xb7\xd0\xb0\xcc\x81\xd0\xbc\xd0\xbe\xd0\xba \xd0\xb7\xd0\xb0\xd0\xbc\xd0\xbe\xd0\xba");                                 /* stress mark */
	differ(*state, "", "\xd0\xbc\xd0\xbe\xd0\xb9", "\xd0\xbc\xd0\xbe\xd0\xb8");                                                                      /* мой, мои */
	assert_string_equal(tokens(*state, "ru", "servers"), "server"); /* English inside another script */
	same(*state, "el", "\xce\xb2\xce\xb9\xce\xb2\xce\xbb\xce\xaf\xce\xbf \xce\xb2\xce\xb9\xce\xb2\xce\xbb\xce\xb9\xce\xbf \xce\x92\xce\x99\xce\x92\xce\x9b\xce\x99\xce\x9f"); /* βιβλίο */
	same(*state, "ar", "\xd8\xa3\xd8\xad\xd9\x85\xd8\xaf \xd8\xa7\xd8\xad\xd9\x85\xd8\xaf \xd8\xa3\xd9\x8e\xd8\xad\xd9\x92\xd9\x85\xd9\x8e\xd8\xaf"); /* with hamza, without, with vowels */
	same(*state, "tr", "kitap kitaplar");
}

/* Without any language accents fold all the same. */
static void accents(void **state)
{
	assert_string_equal(tokens(*state, "", "caf\xc3\xa9 na\xc3\xafve \xc3\x85ngstr\xc3\xb6m \xc5\x81\xc3\xb3""d\xc5\xba sm\xc3\xb8rrebr\xc3\xb8""d \xc5\x93uvre \xc4\x91i\xe1\xbb\x87n Gro\xc3\x9f"),
	                    "cafe naive angstrom lodz smorrebrod oeuvre dien gross");
	assert_string_equal(tokens(*state, "", "e\xcc\x81t\xc3\xa9 \xc4\xb0stanbul \xc4\xb1\xc5\x9f\xc4\xb1k"), "ete istanbul isik");
	assert_string_equal(tokens(*state, "", "\xef\xac\x81ne \xef\xbc\xa1\xef\xbc\xa2\xef\xbc\xa3\xef\xbc\x91"), "fine #abc1"); /* fi ligature, full width */
	assert_string_equal(tokens(*state, "", "zu\xc2\xadsammen a\xe2\x80\x8d""b"), "zusammen ab");                                /* soft hyphen, joiner */
}

static void without_spaces(void **state)
{
	/* 漢字かな, 山 alone, 東京2024年 */
	assert_string_equal(tokens(*state, "ja", "\xe6\xbc\xa2\xe5\xad\x97\xe3\x81\x8b\xe3\x81\xaa"), "~\xe6\xbc\xa2\xe5\xad\x97 ~\xe5\xad\x97\xe3\x81\x8b ~\xe3\x81\x8b\xe3\x81\xaa");
	assert_string_equal(tokens(*state, "zh", "\xe5\xb1\xb1"), "~\xe5\xb1\xb1");
	assert_string_equal(tokens(*state, "zh", "\xe4\xb8\x9c\xe4\xba\xac""2024\xe5\xb9\xb4"), "~\xe4\xb8\x9c\xe4\xba\xac #2024 ~\xe5\xb9\xb4");
	/* 안녕하세요 */
	assert_string_equal(tokens(*state, "ko", "\xec\x95\x88\xeb\x85\x95\xed\x95\x98"), "~\xec\x95\x88\xeb\x85\x95 ~\xeb\x85\x95\xed\x95\x98");
	/* half-width ｶﾞｷﾞ is ガギ; the Thai vowels above belong to their consonant: สวัส is ส-วั-ส */
	assert_string_equal(tokens(*state, "ja", "\xef\xbd\xb6\xef\xbe\x9e\xef\xbd\xb7\xef\xbe\x9e"), "~\xe3\x82\xac\xe3\x82\xae");
	assert_string_equal(tokens(*state, "th", "\xe0\xb8\xaa\xe0\xb8\xa7\xe0\xb8\xb1\xe0\xb8\xaa"), "~\xe0\xb8\xaa\xe0\xb8\xa7\xe0\xb8\xb1 ~\xe0\xb8\xa7\xe0\xb8\xb1\xe0\xb8\xaa");
	/* scripts do not mix in one bigram, punctuation separates */
	assert_string_equal(tokens(*state, "", "\xe6\xbc\xa2\xec\x95\x88\xe3\x80\x81\xe6\xbc\xa2"), "~\xe6\xbc\xa2 ~\xec\x95\x88 ~\xe6\xbc\xa2");
	/* コンピュータ: the long vowel sign is part of the word */
	assert_string_equal(tokens(*state, "ja", "\xe3\x83\xa5\xe3\x83\xbc\xe3\x82\xbf"), "~\xe3\x83\xa5\xe3\x83\xbc ~\xe3\x83\xbc\xe3\x82\xbf");
	assert_string_equal(tokens(*state, "zh", "\xe7\x94\xa8Servers\xe5\x90\xa7"), "~\xe7\x94\xa8 server ~\xe5\x90\xa7");
}

static void positions_and_offsets(void **state)
{
	const char *text = "A parseHTTP \xc3\x89""t\xc3\xa9 \xe5\xb1\xb1\xe5\xb1\xb1\xe5\xb1\xb1 x";
	static const struct { uint32_t off, len, pos; } want[] = {
		{ 0, 1, 0 }, { 2, 9, 1 }, { 2, 5, 1 }, { 7, 4, 2 }, { 12, 5, 3 }, { 18, 6, 4 }, { 21, 6, 5 }, { 28, 1, 6 },
	};
	const struct br_tokens *k = br_tokenize(*state, br_slice_str(text));

	assert_int_equal(k->v.n, BR_COUNT(want));
	for (size_t i = 0; i < BR_COUNT(want); i++) {
		assert_int_equal(k->v.v[i].off, want[i].off);
		assert_int_equal(k->v.v[i].len, want[i].len);
		assert_int_equal(k->v.v[i].pos, want[i].pos);
	}
	assert_int_equal(k->positions, 7);
}

static void exact(void **state)
{
	br_tokenizer_lang(*state, "en");
	assert_string_equal(show(br_tokenize_exact(*state, br_slice_str("The Connections of parseHTTPHeader caf\xc3\xa9 3.13"))),
	                    "the connections of parse http header cafe #3 #13");
	assert_int_equal(br_tokenize_exact(*state, br_slice_str("foo.bar x"))->v.v[2].pos, 2);
	/* stemming comes back, and the two do not share terms in the cache */
	assert_string_equal(tokens(*state, "en", "connections"), "connect");
	assert_string_equal(show(br_tokenize_exact(*state, br_slice_str("connections"))), "connections");
}

static void languages_do_not_mix(void **state)
{
	for (int i = 0; i < 3; i++) {
		assert_string_equal(tokens(*state, "en", "nations"), "nation");
		assert_string_equal(tokens(*state, "", "nations"), "nations");
		assert_string_equal(tokens(*state, "de", "nations"), "nation");
		assert_string_equal(tokens(*state, "fi", "nations"), "nations");
	}
}

static void long_words(void **state)
{
	char text[2000], other[2000];
	const struct br_tokens *k;
	struct br_token a;

	/* over BR_MAX_TOKEN: 48 bytes and a hash that tells words with the same beginning apart */
	memset(text, 'a', 100);
	memcpy(text + 100, "b c", 4);
	k = br_tokenize(*state, br_slice_str(text));
	assert_int_equal(k->v.n, 2);
	assert_int_equal(k->v.v[0].term_len, 64);
	assert_memory_equal(k->v.v[0].term, text, 48);
	snprintf(other, sizeof other, "%.64s", k->v.v[0].term);
	text[100] = 'c';
	k = br_tokenize(*state, br_slice_str(text));
	assert_memory_not_equal(k->v.v[0].term, other, 64);
	assert_memory_equal(k->v.v[0].term, other, 48);

	/* over BR_MAX_WORD: one term, whatever capitals and digits are in it */
	for (size_t i = 0; i < 1500; i++)
		text[i] = "aB3xY9"[i % 6];
	memcpy(text + 1500, " end", 5);
	k = br_tokenize(*state, br_slice_str(text));
	assert_int_equal(k->v.n, 2);
	a = k->v.v[0];
	assert_int_equal(a.term_len, 64);
	assert_int_equal(a.len, 1500);
	assert_int_equal(k->v.v[1].pos, 1);

	/* but a long chain of words is its words */
	text[0] = 0;
	for (int i = 0; i < 200; i++)
		strcat(text, "word.");
	k = br_tokenize(*state, br_slice_str(text));
	for (size_t i = 0; i < k->v.n; i++)
		assert_true((k->v.v[i].flags & BR_TOK_WHOLE) || strncmp(k->v.v[i].term, "word", 4) == 0);
	assert_int_equal(k->positions, 200);

	/* a cut never leaves half a character */
	for (size_t i = 0; i < 100; i++)
		memcpy(text + 1 + 2 * i, "\xd0\xb6", 3);
	text[0] = 'x';
	k = br_tokenize(*state, br_slice_str(text));
	assert_int_equal(k->v.n, 1);
	assert_int_equal(br_utf8_valid(k->v.v[0].term, k->v.v[0].term_len), k->v.v[0].term_len);
	assert_int_equal(k->v.v[0].term_len, 47 + 16);
}

/* Any valid text: terms are valid UTF-8 within their length, offsets lie in the text and ascend, twice the same is the same. */
static void check_any(struct br_tokenizer *t, const char *text, size_t n)
{
	const struct br_tokens *k = br_tokenize(t, br_slice(text, n));
	uint32_t pos = 0, counted = 0;
	uint64_t hash = 0, again = 0;

	for (size_t i = 0; i < k->v.n; i++) {
		const struct br_token *a = &k->v.v[i];

		assert_in_range(a->term_len, 1, BR_MAX_TOKEN);
		assert_int_equal(br_utf8_valid(a->term, a->term_len), a->term_len);
		assert_true(a->len > 0 && a->off + a->len <= n);
		assert_true(((unsigned char)text[a->off] & 0xC0) != 0x80);
		assert_true(a->pos >= pos);
		pos = a->pos;
		counted += !(a->flags & BR_TOK_WHOLE);
		hash = hash * 31 + br_hash64(a->term, a->term_len);
	}
	assert_int_equal(counted, k->positions);
	k = br_tokenize(t, br_slice(text, n));
	for (size_t i = 0; i < k->v.n; i++)
		again = again * 31 + br_hash64(k->v.v[i].term, k->v.v[i].term_len);
	assert_true(hash == again);
}

static uint32_t next_random(uint32_t *seed) { return (*seed = *seed * 1664525 + 1013904223) >> 8; }

static void any_text(void **state)
{
	static const char *const langs[] = { "", "en", "de", "fr", "ru", "ar", "ja", "tr", "fi", "es", "el", "hi", "ta", "sr", "hu" };
	static const uint32_t blocks[] = { 0x20, 0x41, 0x61, 0x30, 0x27, 0xC0, 0x300, 0x370, 0x400, 0x590, 0x640, 0x900, 0xB80, 0xE00, 0x1100,
	                                   0x1E00, 0x2010, 0x3040, 0x30A0, 0x4E00, 0xAC00, 0xFB00, 0xFDF0, 0xFF60, 0x1D400, 0x1F600, 0xE0100 };
	uint32_t seed = 7;

	for (int round = 0; round < 4000; round++) {
		char text[700];
		size_t n = 0, want = next_random(&seed) % 600;

		br_tokenizer_lang(*state, langs[next_random(&seed) % BR_COUNT(langs)]);
		while (n < want) {
			uint32_t c = blocks[next_random(&seed) % BR_COUNT(blocks)] + next_random(&seed) % (next_random(&seed) % 3 ? 24 : 96);
			uint32_t times = next_random(&seed) % 20 ? 1 : next_random(&seed) % 90;

			while (times-- && n < want)
				n += br_utf8_put(text + n, c);
		}
		char *exact_size = malloc(n + 1); /* so that reading past the end is seen */
		memcpy(exact_size, text, n);
		check_any(*state, exact_size, n);
		free(exact_size);
	}
}

/* After every code there could be, those that have a stemmer still have it. */
static void many_languages(void **state)
{
	for (char a = 'a'; a <= 'z'; a++) {
		for (char b = 'a'; b <= 'z'; b++) {
			char code[3] = { a, b, 0 };

			br_tokenizer_lang(*state, code);
			assert_int_equal(br_tokenize(*state, br_slice_str("words"))->v.n, 1);
		}
	}
	assert_string_equal(tokens(*state, "yi", "words"), "word");
	assert_string_equal(tokens(*state, "sv", "ord orden"), "ord ord");
}

/* Two thousand made-up words: sound like words, begin with every letter. */
static void made_up(struct br_buf *b)
{
	static const char *const part[] = { "be", "ing", "ation", "dj", "er", "ly", "ge", "dien", "sk", "ies", "me", "un", "bh", "f", "t", "o", "yi", "ée" };
	uint32_t x = 11;

	for (int i = 0; i < 2000; i++) {
		br_buf_addc(b, (char)('a' + i % 26));
		for (uint32_t k = 0; k <= x >> 9 % 3; k++) {
			x = x * 1664525 + 1013904223;
			br_buf_adds(b, part[(x >> 16) % BR_COUNT(part)]);
			if (k == 3)
				break;
		}
		br_buf_addc(b, ' ');
	}
}

/* Words left out by their first letter are none of those that are looked for, and their places stay. */
static void letters(void **state)
{
	static const char *const lang[] = { "", "en", "de", "fr", "it", "es", "pt", "nl", "ru", "sv", "fi", "hu", "ro", "ga", "id", "sr", "tr", "ar", "lt" };
	struct br_tokenizer *t = *state, *all = br_tokenizer_new();
	const uint32_t set = 1u << ('d' - 'a') | 1u << ('p' - 'a');
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);

	made_up(&b);
	br_buf_adds(&b, "Delete p.d x-deprecated pre_Dates don't 3d dé");
	for (size_t l = 0; l < BR_COUNT(lang); l++) {
		const struct br_tokens *few, *every;
		size_t empty = 0;
		br_tokenizer_lang(t, lang[l]);
		br_tokenizer_lang(all, lang[l]);
		br_tokenizer_letters(t, set);
		few = br_tokenize(t, br_buf_slice(&b));
		every = br_tokenize(all, br_buf_slice(&b));
		assert_int_equal(few->v.n, every->v.n);
		for (size_t i = 0; i < every->v.n; i++) {
			const struct br_token *x = &few->v.v[i], *y = &every->v.v[i];
			assert_true(x->off == y->off && x->len == y->len && x->pos == y->pos && x->flags == y->flags);
			if (x->term_len || y->term[0] == 'd' || y->term[0] == 'p')
				assert_true(x->term_len == y->term_len && !memcmp(x->term, y->term, x->term_len));
			empty += !x->term_len;
		}
		assert_true(!strcmp(lang[l], "ga") || !strcmp(lang[l], "id") || !strcmp(lang[l], "sr") || !strcmp(lang[l], "tr") ? empty == 0 : empty > 1000);
		br_tokenizer_letters(t, UINT32_MAX);
	}
	br_buf_release(&b);
	br_tokenizer_free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plain_words, setup, teardown),
		cmocka_unit_test_setup_teardown(apostrophes, setup, teardown),
		cmocka_unit_test_setup_teardown(identifiers, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(english, setup, teardown),
		cmocka_unit_test_setup_teardown(german, setup, teardown),
		cmocka_unit_test_setup_teardown(romance, setup, teardown),
		cmocka_unit_test_setup_teardown(other_languages, setup, teardown),
		cmocka_unit_test_setup_teardown(accents, setup, teardown),
		cmocka_unit_test_setup_teardown(without_spaces, setup, teardown),
		cmocka_unit_test_setup_teardown(positions_and_offsets, setup, teardown),
		cmocka_unit_test_setup_teardown(exact, setup, teardown),
		cmocka_unit_test_setup_teardown(languages_do_not_mix, setup, teardown),
		cmocka_unit_test_setup_teardown(long_words, setup, teardown),
		cmocka_unit_test_setup_teardown(any_text, setup, teardown),
		cmocka_unit_test_setup_teardown(many_languages, setup, teardown),
		cmocka_unit_test_setup_teardown(letters, setup, teardown),
	};

	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
