/* Sniffing, decoding, languages, and the readers of plain text, code, CSV and JSON. */
#include "text_blocks.h"

/* For their tables, which are searched by halves. */
#include "text/lang_words.h"
#include "text/names.c"

static void test_tables_are_sorted(void **state)
{
	(void)state;
	for (size_t i = 1; i < BR_COUNT(whole); i++)
		assert_true(strcmp(whole[i - 1].name, whole[i].name) < 0);
	for (size_t i = 1; i < BR_COUNT(endings_by_name); i++)
		assert_true(strcmp(endings_by_name[i - 1].name, endings_by_name[i].name) < 0);
	for (size_t i = 1; i < BR_COUNT(words); i++)
		assert_true(memcmp(words[i - 1].word, words[i].word, 8) < 0);
	for (size_t i = 1; i < BR_COUNT(endings); i++)
		assert_true(memcmp(endings[i - 1].word, endings[i].word, 8) < 0);
}

/* ---- sniffing ---- */

static void expect_format(const char *name, const char *bytes, size_t n, enum br_format format)
{
	const char *why;
	enum br_format got = br_sniff(name, br_slice(bytes, n), &why);

	if (got != format)
		fail_msg("%s: %s (%s), not %s", name ? name : "(no name)", br_format_name(got), why, br_format_name(format));
}
#define FORMAT(name, bytes, format) expect_format(name, bytes, sizeof(bytes) - 1, BR_FMT_##format)

static void expect_binary(const char *name, const char *bytes, size_t n, const char *what)
{
	const char *why = NULL;

	assert_int_equal(BR_FMT_UNKNOWN, br_sniff(name, br_slice(bytes, n), &why));
	assert_string_equal(why, what);
}
#define BINARY(name, bytes, what) expect_binary(name, bytes, sizeof(bytes) - 1, what)

static void test_sniff_names(void **state)
{
	(void)state;
	FORMAT("a/README", "text", PLAIN);
	FORMAT("README.md", "<div>html at the top</div>", MARKDOWN);
	FORMAT("x.MARKDOWN", "", MARKDOWN);
	FORMAT("pep-0001.rst", "x", RST);
	FORMAT("git.adoc", "x", ASCIIDOC);
	FORMAT("Makefile", "all:\n", CODE);
	FORMAT("CMakeLists.txt", "project(x)\n", CODE);
	FORMAT("dir/Dockerfile.debug", "FROM x\n", CODE);
	FORMAT("LICENSE.MIT", "Permission is granted\n", PLAIN);
	FORMAT("a.c", "int x;", CODE);
	FORMAT("a.yaml", "a: 1", CODE);
	FORMAT("a.csv", "a,b", CSV);
	FORMAT("a.tsv", "a\tb", TSV);
	FORMAT("a.json", "{}", JSON);
	FORMAT("a.jsonl", "{}", NDJSON);
	FORMAT("a.htm", "plain words", HTML);
	FORMAT("empty", "", PLAIN);
}

static void test_sniff_content(void **state)
{
	(void)state;
	FORMAT("page", "\n<!DOCTYPE html><p>x", HTML);
	FORMAT("a.txt", "<?xml version='1.0'?>\n<!-- c -->\n<html xmlns='x'>", HTML);
	FORMAT("data", "{\"a\": 1}", JSON);
	FORMAT("data", "[1, 2]", JSON);
	FORMAT(NULL, "{\"a\": 1}\n{\"a\": 2}\n", NDJSON);
	FORMAT("note", "[link]: http://x\n", PLAIN);
	FORMAT("note", "{% raw %}\n", PLAIN);
	FORMAT("run", "#!/bin/sh\nexit\n", CODE);
	FORMAT("doc.txt", "git-add(1)\n==========\n\nNAME\n----\ngit-add - x\n", ASCIIDOC);
	FORMAT("doc.txt", "Title\n=====\n\n.. note:: x\n\n.. _t: http://x\n", RST);
	FORMAT("doc", "# A\n\n## B\n\n```\nx\n```\n", MARKDOWN);
	FORMAT("doc.txt", "Dear all,\n\nthis is a letter.\n", PLAIN);
}

static void test_sniff_binary(void **state)
{
	(void)state;
	FORMAT("a.md", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", IMAGE);
	FORMAT("a.txt", "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", PDF);
	FORMAT("a", "mail header\n\0%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", PDF);
	FORMAT("a", "PK\3\4\x14\0\0\0\0\0....other", ZIP);
	BINARY("a.c", "\x7f""ELF\2\1\1\0\0\0", "ELF program or library");
	FORMAT("a", "\x1f\x8b\x08\0\0\0\0\0\0\3", TAR);
	BINARY("a", "SQLite format 3\0\x10\0", "SQLite database");
	BINARY("a.txt", "text\0with\1NUL\2bytes", "binary data");
	BINARY("a.svg", "<svg xmlns='x'></svg>", "SVG image");
	FORMAT("a", "{\\rtf1 text}", RTF);
	/* the same letters at the head of a text mean nothing */
	FORMAT("a", "ID3 tags are text here\n", PLAIN);
	FORMAT("a", "BZh is what bzip2 files begin with\n", PLAIN);
	FORMAT("a.txt", "\xff\xfeT\0e\0x\0t\0", PLAIN);
	FORMAT("a.md", "T\0e\0x\0t\0 \0h\0e\0r\0e\0", MARKDOWN);
	FORMAT("a.txt", "color \x1b[31mred\x1b[0m\n", PLAIN);
}

/* Entries of a ZIP's directory and its end; the parts themselves do not matter. */
static size_t fake_zip(char *to, const char *const *names, bool directory)
{
	char *p = to, *from;

	memcpy(p, "PK\3\4" "\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 26);
	p += 26;
	p[0] = (char)strlen(names[0]);
	p[1] = p[2] = p[3] = 0;
	p = stpcpy(p + 4, names[0]);
	from = p;
	for (; directory && *names; names++) {
		memset(p, 0, 46);
		memcpy(p, "PK\1\2", 4);
		p[28] = (char)strlen(*names);
		p = stpcpy(p + 46, *names);
	}
	if (directory) {
		memset(p, 0, 22);
		memcpy(p, "PK\5\6", 4);
		p[12] = (char)(p - from);
		p[13] = (char)((p - from) >> 8);
		p += 22;
	}
	return (size_t)(p - to);
}

static void test_sniff_containers(void **state)
{
	static const struct { const char *name, *parts[4]; bool directory; enum br_format format; const char *why; } cases[] = {
		{ "a.zip", { "[Content_Types].xml", "word/document.xml", NULL }, true, BR_FMT_DOCX, "" },
		{ "a", { "[Content_Types].xml", "ppt/presentation.xml", NULL }, true, BR_FMT_PPTX, "" },
		{ "a.docx", { "[Content_Types].xml", "xl/workbook.xml", NULL }, true, BR_FMT_XLSX, "" },
		{ "a.xlsm", { "[Content_Types].xml", "odd/main.xml", NULL }, true, BR_FMT_XLSX, "" },
		{ "a.docx", { "[Content_Types].xml", NULL }, false, BR_FMT_DOCX, "" },
		{ "a", { "META-INF/container.xml", NULL }, true, BR_FMT_EPUB, "" },
		{ "a.zip", { "xl/readme.txt", "other.txt", NULL }, true, BR_FMT_XLSX, "" },
		{ "a.zip", { "readme.txt", NULL }, true, BR_FMT_ZIP, "" },
		{ "a.jar", { "META-INF/MANIFEST.MF", "A.class", NULL }, true, BR_FMT_UNKNOWN, "Java archive" },
		{ "a.apk", { "AndroidManifest.xml", "META-INF/MANIFEST.MF", NULL }, true, BR_FMT_UNKNOWN, "Android package" },
		{ "a.xlsb", { "[Content_Types].xml", "xl/workbook.bin", NULL }, true, BR_FMT_UNKNOWN, "binary Excel workbook (xlsb)" },
	};
	char zip[4096];

	(void)state;
	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		const char *why;
		size_t n = fake_zip(zip, cases[i].parts, cases[i].directory);
		assert_int_equal(br_sniff(cases[i].name, br_slice(zip, n), &why), cases[i].format);
		assert_string_equal(why, cases[i].why);
		for (size_t k = 0; k < n; k++) /* cut anywhere: no byte behind the end is read */
			(void)br_sniff(cases[i].name, br_slice(memcpy(zip + sizeof zip - k, zip, k), k), &why);
	}
}

static void test_sniff_old_office(void **state)
{
	static const struct { const char *stream; enum br_format format; const char *why; } cases[] = {
		{ "WordDocument", BR_FMT_DOC, "" }, { "Workbook", BR_FMT_XLS, "" }, { "Book", BR_FMT_XLS, "" }, { "PowerPoint Document", BR_FMT_PPT, "" },
		{ "EncryptedPackage", BR_FMT_UNKNOWN, "is password-protected" }, { "__properties_version1.0", BR_FMT_UNKNOWN, "Outlook message" },
		{ "Other", BR_FMT_UNKNOWN, "OLE2 file that is no Word, Excel or PowerPoint document" },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		char ole[2048] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
		const char *why;
		for (size_t k = 0; k < strlen(cases[i].stream); k++)
			ole[1152 + 2 * k] = cases[i].stream[k];
		ole[1152 + 64] = (char)(2 * strlen(cases[i].stream) + 2);
		assert_int_equal(br_sniff("a.docx", br_slice(ole, sizeof ole), &why), cases[i].format);
		assert_string_equal(why, cases[i].why);
	}
}

static void test_format_table(void **state)
{
	(void)state;
	for (int f = BR_FMT_UNKNOWN + 1; f < BR_FMT_COUNT; f++)
		assert_int_equal(f, br_format_by_name(br_format_name((enum br_format)f)));
	assert_int_equal(BR_FMT_UNKNOWN, br_format_by_name("nothing"));
	assert_string_equal("text/markdown", br_format_mime(BR_FMT_MARKDOWN));
}

/* ---- decoding ---- */

static void expect_decoded(const char *bytes, size_t n, const char *text, const char *encoding)
{
	struct br_buf out = BR_BUF_INIT(1 << 20);
	struct br_err err;
	char enc[24];

	assert_int_equal(0, br_decode(&out, enc, br_slice(bytes, n), &err));
	assert_string_equal(out.ptr, text);
	assert_int_equal(strlen(text), out.len);
	if (encoding)
		assert_string_equal(enc, encoding);
	br_buf_release(&out);
}
#define DECODE(bytes, text, encoding) expect_decoded(bytes, sizeof(bytes) - 1, text, encoding)

static void test_decode(void **state)
{
	(void)state;
	DECODE("", "", "UTF-8");
	DECODE("plain\n", "plain\n", "UTF-8");
	DECODE("\xef\xbb\xbfK\xc3\xa4se", "K\xc3\xa4se", "UTF-8");
	DECODE("a\r\nb\rc\n\r\n\rd\r", "a\nb\nc\n\n\nd\n", "UTF-8");
	DECODE("\r", "\n", NULL);
	DECODE("a\0b", "ab", "UTF-8");
	DECODE("\xff\xfeK\0\xe4\0\r\0\n\0", "K\xc3\xa4\n", "UTF-16LE");
	DECODE("\xfe\xff\0K\0\xe4\xd8\x3d\xde\0", "K\xc3\xa4\xf0\x9f\x98\x80", "UTF-16BE");
	DECODE("T\0e\0x\0t\0 \0h\0e\0r\0e\0", "Text here", "UTF-16LE");
	DECODE("\0T\0e\0x\0t\0 \0h\0e\0r\0e", "Text here", "UTF-16BE");
	DECODE("\xff\xfe\0\0K\0\0\0\xe4\0\0\0", "K\xc3\xa4", "UTF-32LE");
	DECODE("\xff\xfe""A\0\x3d\xd8", "A\xef\xbf\xbd", "UTF-16LE");
}

static void test_decode_damaged(void **state)
{
	(void)state;
	/* EBCDIC */
	DECODE("\xe3\x88\x85\x40\x99\x89\xa5\x85\x99\x40\x99\x89\xa2\x85\xa2\x40\x89\x95\x40\xa2\x97\x99\x89\x95\x87\x4b\x40\xe3\x88\x85\x40\x82\x99\x89\x84\x87\x85\x40\x83\x81\x99\x99\x89\x85\xa2\x40\xa3\x88"
	       "\x85\x40\x99\x96\x81\x84\x40\x96\xa5\x85\x99\x40\x89\xa3\x6b\x40\x81\x95\x84\x40\xa3\x88\x85\x40\xa3\x96\xa6\x95\x40\x93\x89\x85\xa2\x40\x82\x85\x88\x89\x95\x84\x4b", "The river rises in spring. The bridge carries the road over it, and the town lies behind.", "CP500");
	DECODE("K\xc3\xa4se, \xc3\xb6l, f\xc3\xbcr \xe2\x82\xac und \xff m\xc3\xb6""ge", "K\xc3\xa4se, \xc3\xb6l, f\xc3\xbcr \xe2\x82\xac und \xef\xbf\xbd m\xc3\xb6""ge", "UTF-8");
	DECODE("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe6\x96", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xef\xbf\xbd\xef\xbf\xbd", "UTF-8");
}

static void test_decode_legacy(void **state)
{
	(void)state;
	DECODE("Die Gr\xf6\xdf""e der T\xfcr ist f\xfcr \xc4pfel zu gro\xdf, sagt J\xf6rg in K\xf6ln.",
	       "Die Gr\xc3\xb6\xc3\x9f""e der T\xc3\xbcr ist f\xc3\xbcr \xc3\x84pfel zu gro\xc3\x9f, sagt J\xc3\xb6rg in K\xc3\xb6ln.", NULL);
	DECODE("Le caf\xe9 est servi \xe0 l'h\xf4tel", "Le caf\xc3\xa9 est servi \xc3\xa0 l'h\xc3\xb4tel", NULL);
	DECODE("na\xefve \x93quote\x94", "na\xc3\xafve \xe2\x80\x9cquote\xe2\x80\x9d", NULL);
	/* Russian in windows-1251 */
	DECODE("\xcf\xf0\xe8\xe2\xe5\xf2, \xea\xe0\xea \xe4\xe5\xeb\xe0? \xdd\xf2\xee \xef\xf0\xee\xf1\xf2\xee\xe9 \xf2\xe5\xea\xf1\xf2 \xed\xe0 \xf0\xf3\xf1\xf1\xea\xee\xec \xff\xe7\xfb\xea\xe5 \xe4\xeb\xff \xef\xf0\xee\xe2\xe5\xf0\xea\xe8.",
	       "Привет, как дела? Это простой текст на русском языке для проверки.", "WINDOWS-1251");
}

static void test_decode_over_limit(void **state)
{
	struct br_buf out = BR_BUF_INIT(8);
	struct br_err err;
	char enc[24];

	(void)state;
	assert_int_equal(-BR_ETOOBIG, br_decode(&out, enc, br_slice_str("nine char"), &err));
	assert_int_equal(-BR_ETOOBIG, br_decode(&out, enc, br_slice("\xff\xfe""a\0b\0c\0d\0e\0f\0g\0h\0i\0", 20), &err));
	br_buf_release(&out);
}

/* ---- languages ---- */

static void test_languages(void **state)
{
	static const struct { const char *lang, *text[6]; } sets[] = {
		{ "en", { "The train was late again, so we walked home along the river in the rain.",
		          "Please check that the cable is connected before you turn on the machine.",
		          "She has been working on this small garden for more than ten years now.",
		          "If the file cannot be opened, an error message is shown to the user.",
		          "Most people think that bread tastes better when it is still warm.",
		          "There were only two seats left when we arrived at the theatre." } },
		{ "de", { "Der Zug war wieder zu spät, deshalb gingen wir am Fluss entlang nach Hause.",
		          "Bitte prüfen Sie, ob das Kabel richtig steckt, bevor Sie das Gerät einschalten.",
		          "Seit mehr als zehn Jahren arbeitet sie nun schon an diesem kleinen Garten.",
		          "Wenn die Datei nicht geöffnet werden kann, erscheint eine Fehlermeldung auf dem Schirm.",
		          "Die meisten Leute finden, dass Brot am besten schmeckt, wenn es noch warm ist.",
		          "Als wir im Theater ankamen, waren nur noch zwei Plätze frei." } },
		{ "es", { "El tren llegó tarde otra vez, así que volvimos a casa andando junto al río.",
		          "Compruebe que el cable está conectado antes de encender la máquina, por favor.",
		          "Ella lleva más de diez años trabajando en este pequeño jardín del pueblo.",
		          "Si no se puede abrir el archivo, se muestra un mensaje de error al usuario.",
		          "La mayoría de la gente cree que el pan sabe mejor cuando todavía está caliente.",
		          "Solo quedaban dos asientos libres cuando llegamos al teatro de la plaza." } },
		{ "fr", { "Le train était encore en retard, alors nous sommes rentrés à pied le long de la rivière.",
		          "Vérifiez que le câble est bien branché avant de mettre la machine en marche.",
		          "Elle travaille depuis plus de dix ans dans ce petit jardin derrière la maison.",
		          "Si le fichier ne peut pas être ouvert, un message d'erreur s'affiche à l'écran.",
		          "La plupart des gens pensent que le pain est meilleur quand il est encore chaud.",
		          "Il ne restait que deux places libres quand nous sommes arrivés au théâtre." } },
		{ "it", { "Il treno era di nuovo in ritardo, così siamo tornati a casa a piedi lungo il fiume.",
		          "Controllare che il cavo sia collegato prima di accendere la macchina, per favore.",
		          "Lei lavora da più di dieci anni in questo piccolo giardino dietro la casa.",
		          "Se il file non può essere aperto, viene mostrato un messaggio di errore.",
		          "La maggior parte della gente pensa che il pane sia più buono quando è ancora caldo.",
		          "Quando siamo arrivati al teatro erano rimasti solo due posti liberi." } },
		{ "pt", { "O trem estava atrasado outra vez, então voltamos para casa a pé pela margem do rio.",
		          "Verifique se o cabo está ligado antes de pôr a máquina em funcionamento, por favor.",
		          "Ela trabalha há mais de dez anos neste pequeno jardim atrás da casa.",
		          "Se o arquivo não puder ser aberto, uma mensagem de erro é mostrada ao usuário.",
		          "A maioria das pessoas acha que o pão é melhor quando ainda está quente.",
		          "Só havia dois lugares livres quando nós chegamos ao teatro da praça." } },
		{ "nl", { "De trein was weer te laat, dus liepen we langs de rivier naar huis.",
		          "Controleer of de kabel goed vastzit voordat u het apparaat aanzet.",
		          "Zij werkt nu al meer dan tien jaar in deze kleine tuin achter het huis.",
		          "Als het bestand niet kan worden geopend, verschijnt er een foutmelding.",
		          "De meeste mensen vinden dat brood beter smaakt als het nog warm is.",
		          "Er waren nog maar twee plaatsen vrij toen wij bij de schouwburg aankwamen." } },
		{ "ru", { "Поезд снова опоздал, поэтому мы пошли домой пешком вдоль реки.",
		          "Проверьте, подключён ли кабель, прежде чем включать прибор.",
		          "Она уже больше десяти лет работает в этом маленьком саду за домом.",
		          "Если файл не удаётся открыть, пользователь видит сообщение об ошибке.",
		          "Большинство людей считает, что хлеб вкуснее, пока он тёплый.",
		          "Когда мы пришли в театр, там осталось только два свободных места." } },
		{ "sv", { "Tåget var sent igen, så vi gick hem längs ån i regnet.", "Kontrollera att kabeln sitter i innan du slår på maskinen." } },
		{ "pl", { "Pociąg znowu się spóźnił, więc wróciliśmy do domu pieszo wzdłuż rzeki.", "Sprawdź, czy kabel jest podłączony, zanim włączysz urządzenie." } },
		{ "fi", { "Juna oli taas myöhässä, joten kävelimme kotiin joen vartta pitkin.", "Tarkista, että johto on kiinni, ennen kuin käynnistät laitteen." } },
		{ "tr", { "Tren yine geç kaldı, bu yüzden nehir boyunca eve kadar yürüdük.", "Makineyi çalıştırmadan önce kablonun takılı olduğunu kontrol edin." } },
		{ "cs", { "Vlak měl zase zpoždění, a tak jsme šli domů pěšky podél řeky.", "Než přístroj zapnete, zkontrolujte, zda je kabel připojen." } },
		{ "uk", { "Потяг знову запізнився, тому ми пішли додому пішки вздовж річки." } },
		{ "bg", { "Влакът отново закъсня и затова се прибрахме пеша покрай реката до къщата." } },
		{ "ja", { "電車がまた遅れたので、川沿いを歩いて家に帰りました。" } },
		{ "zh", { "火车又晚点了，所以我们沿着河边走回家。" } },
		{ "ko", { "기차가 또 늦어서 우리는 강을 따라 집까지 걸어갔다." } },
		{ "el", { "Το τρένο άργησε ξανά, γι' αυτό γυρίσαμε με τα πόδια." } },
		{ "ar", { "تأخر القطار مرة أخرى فعدنا إلى البيت سيرا على الأقدام." } },
		{ "he", { "הרכבת איחרה שוב ולכן הלכנו הביתה ברגל." } },
		{ "th", { "รถไฟมาสายอีกแล้ว เราจึงเดินกลับบ้านริมแม่น้ำ" } },
		{ "hi", { "ट्रेन फिर देर से आई, इसलिए हम नदी के किनारे पैदल घर गए।" } },
	};
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(sets); i++) {
		for (size_t k = 0; k < 6 && sets[i].text[k]; k++) {
			const char *got = br_guess_lang(br_slice_str(sets[i].text[k]));
			if (strcmp(got, sets[i].lang)) {
				print_message("%s taken for '%s': %s\n", sets[i].lang, got, sets[i].text[k]);
				wrong++;
			}
		}
	}
	assert_int_equal(0, wrong);
}

static void test_no_language(void **state)
{
	static const char *const texts[] = {
		"", "12345 67.8 -- %%%", "xz", "foo_bar(baz, qux) -> tmp_buf[idx++]; ctx->len", "GET /v1/items?limit=10 HTTP/1.1", "std::vector<int> xs; xs.push_back(y);",
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(texts); i++)
		assert_string_equal("", br_guess_lang(br_slice_str(texts[i])));
}

static void test_language_of_long_text(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);

	(void)state;
	/* an English licence above a German text */
	for (int i = 0; i < 8; i++)
		br_buf_adds(&b, "Permission is granted to use this text for any purpose as long as the notice is kept.\n");
	for (int i = 0; i < 300; i++)
		br_buf_adds(&b, "Der Garten hinter dem Haus ist größer, als man von der Straße aus denken würde.\n");
	assert_string_equal("de", br_guess_lang(br_buf_slice(&b)));
	br_buf_release(&b);
}

/* ---- plain text ---- */

static void expect_plain(const char *text, const char *blocks, const char *title)
{
	expect_text(br_read_plain, BR_FMT_PLAIN, text, blocks, NULL, title);
}

static void test_plain(void **state)
{
	(void)state;
	expect_plain("One\ntwo.\n\nThree.\n", "P One/two.\nP Three.\n", "(none)");
	expect_plain("A short title\n\nThe text begins here and goes on.\n", "P A short title\nP The text begins here and goes on.\n", "A short title");
	expect_plain("Title\n=====\n\nSub\n---\nText.\n", "H1 Title\nH2 Sub\nP Text.\n", "Title");
	expect_plain("1.  Introduction\n\n   Text.\n\n2.1.  Terms\n\n   More.\n", "H1 1.  Introduction\nP Text.\nH2 2.1.  Terms\nP More.\n", NULL);
	expect_plain("1.  Introduction . . . . . 3\n", "L1 1.  Introduction . . . . . 3\n", NULL);
	expect_plain("NAME\n       ls - list\n\nSEE ALSO\n\nText.\n", "H1 NAME\nP ls - list\nH1 SEE ALSO\nP Text.\n", NULL);
	expect_plain("We shout: THIS IS\nNOT A HEADING\nat all.\n", "P We shout: THIS IS/NOT A HEADING/at all.\n", NULL);
	expect_plain("List:\n- a\n- b\n  more\n\n* c\n", "P List:\nL1 - a\nL1 - b/  more\nL1 * c\n", NULL);
	expect_plain("Text - not\n- a list of two\n", "P Text - not/- a list of two\n", NULL);
	expect_plain("End.\n\nSmith          Informational          [Page 3]\n\fRFC 9          Name of the RFC       May 1990\n\nNext.\n", "P End.\nP Next.\n", NULL);
}

/* ---- code ---- */

static void test_code(void **state)
{
	(void)state;
	expect_text(br_read_code, BR_FMT_CODE, "#include <a>\n#include <b>\n\n/* does */\nint f(void)\n{\n\tint a;\n\n\treturn a;\n}\n\nint g;\n",
	            "C #include <a>/#include <b>\nC /* does *//int f(void)/{/\tint a;//\treturn a;/}\nC int g;\n", "", "(none)");
	expect_text(br_read_code, BR_FMT_CODE, "if x:\n    a\n\nelse:\n    b\n\nout:\n    c\n", "C if x:/    a//else:/    b//out:/    c\n", NULL, NULL);
}

static void test_large_class_is_cut_at_members(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_extracted e;

	(void)state;
	br_buf_adds(&b, "class A:\n");
	for (int i = 0; i < 60; i++)
		br_buf_addf(&b, "    def method_%d(self):\n        first = %d\n\n        return first + second + third\n\n", i, i);
	read_text(&e, br_read_code, BR_FMT_CODE, b.ptr);
	assert_int_equal(60, e.blocks.n);
	for (size_t i = 1; i < e.blocks.n; i++)
		assert_memory_equal("def method_", e.text.ptr + e.blocks.v[i].off, 11);
	br_extracted_release(&e);
	br_buf_release(&b);
}

/* ---- CSV ---- */

static void test_csv(void **state)
{
	struct br_extracted e;
	struct br_buf b = BR_BUF_INIT(1 << 20);

	(void)state;
	br_buf_adds(&b, "name;note\n");
	for (int i = 0; i < 40; i++)
		br_buf_addf(&b, "n%d;\"two\nlines; \"\"quoted\"\"\"\n", i);
	read_text(&e, br_read_csv, BR_FMT_CSV, b.ptr);
	assert_int_equal(2, e.blocks.n);
	assert_int_equal(9, e.blocks.v[0].head_len);
	assert_int_equal(0, e.blocks.v[1].head_len);
	/* 30 rows: the header and 29 of two lines; the next block begins with a whole row */
	assert_int_equal(59, e.blocks.v[0].line_end);
	assert_int_equal(60, e.blocks.v[1].line);
	assert_memory_equal("n29;", e.text.ptr + e.blocks.v[1].off, 4);
	br_extracted_release(&e);
	br_buf_release(&b);
}

static void test_csv_odd(void **state)
{
	struct br_extracted e;

	(void)state;
	read_text(&e, br_read_csv, BR_FMT_CSV, "a,b\n\"never closed,1\nc,d\n");
	assert_int_equal(1, e.blocks.n);
	assert_int_equal(3, e.blocks.v[0].head_len);
	br_extracted_release(&e);
	read_text(&e, br_read_csv, BR_FMT_TSV, "a\tb\n1\t\"x\ny\"\n");
	assert_int_equal(3, e.blocks.v[0].head_len);
	br_extracted_release(&e);
	/* a header that spans lines */
	read_text(&e, br_read_csv, BR_FMT_CSV, "\n\"first\nname\",b\n1,2\n");
	assert_int_equal(14, e.blocks.v[0].head_len);
	br_extracted_release(&e);
}

/* ---- JSON ---- */

static void test_json(void **state)
{
	(void)state;
	expect_text(br_read_json, BR_FMT_JSON, "{\"a\": [1, 2],\n \"b\": \"x,]}\\\",y\",\n \"c\": {\"d\": 1, \"e\": 2}}\n",
	            "C {\"a\": [1, 2],\nC \"b\": \"x,]}\\\",y\",\nC \"c\": {\"d\": 1, \"e\": 2}}\n", "", "(none)");
	expect_text(br_read_json, BR_FMT_NDJSON, "{\"a\": 1, \"b\": 2}\n\n{\"a\": 3}\n", "C {\"a\": 1, \"b\": 2}\nC {\"a\": 3}\n", "", NULL);
	expect_text(br_read_json, BR_FMT_JSON, "]]],{\"open\n, more", "C ]]],\nC {\"open/,\nC more\n", NULL, NULL);
}

static void test_json_deep_members_are_cut_when_large(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_extracted e;

	(void)state;
	br_buf_adds(&b, "{\"data\": [");
	for (int i = 0; i < 200; i++)
		br_buf_addf(&b, "%s{\"id\": %d, \"text\": \"some words of a record\"}", i ? ",\n" : "", i);
	br_buf_adds(&b, "]}");
	read_text(&e, br_read_json, BR_FMT_JSON, b.ptr);
	assert_true(e.blocks.n > 5);
	for (size_t i = 1; i < e.blocks.n; i++)
		assert_memory_equal("{\"id\"", e.text.ptr + e.blocks.v[i].off, 5);
	br_extracted_release(&e);
	br_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_are_sorted),
		cmocka_unit_test(test_sniff_names),
		cmocka_unit_test(test_sniff_content),
		cmocka_unit_test(test_sniff_binary),
		cmocka_unit_test(test_sniff_containers),
		cmocka_unit_test(test_sniff_old_office),
		cmocka_unit_test(test_format_table),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_damaged),
		cmocka_unit_test(test_decode_legacy),
		cmocka_unit_test(test_decode_over_limit),
		cmocka_unit_test(test_languages),
		cmocka_unit_test(test_no_language),
		cmocka_unit_test(test_language_of_long_text),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_large_class_is_cut_at_members),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_csv_odd),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_deep_members_are_cut_when_large),
	};

	return cmocka_run_group_tests_name("text_misc", tests, NULL, NULL);
}
