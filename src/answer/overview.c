/*
 * "What is this about?", "Summarize the documents": questions that name nothing to look for. They are answered with how the first
 * documents begin. A question is one when nothing is left of it without the words of these lists.
 */
#include "internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* Words, each between spaces. */
static const char *const words[] = {
	" a about all an and are can content contents could cover covered covers describe discussed do document documents does explain file "
	"files finding findings for from give here i idea ideas in information is it its key list main me most important notebook of "
	"on our out overview page pages please point points purpose say short subject subjects summaries summarise summarize summary "
	"takeaway takeaways talk tell text texts that the theme themes there these they this those topic topics us we what which would you "
	"your ",
	" alle bitte das dem den der des deutsch die diese diesem diesen dieser dieses dokument dokumente dokumenten du eine einen es fasse "
	"gebe gib gibt geht handelt hauptpunkte hauptthemen hier ich in inhalt inhalte ist kannst kurz mir notizbuch sind steht text texte "
	"thema themen überblick um und von was welche wesentliche wesentlichen wichtigste wichtigsten wovon worum zusammen zusammenfassen "
	"zusammenfassung datei dateien punkte ",
	" a archivo archivos cuaderno cuáles cuales contenido da dame de del documento documentos el en es esta este esto estos hay idea ideas "
	"la las lo los me principal principales punto puntos que qué resume resumen resumir sobre son tema temas texto textos todo todos "
	"trata tratan un una y general visión ",
	" à aborde abordés carnet ce ces cette contenu contient dans de des document documents donne est et fais fichier fichiers idées il ils "
	"la le les l moi parle parlent points principal principale principales principaux quel quelle quelles quels qui quoi qu que résume "
	"résumé résumer s sont sujet sujets texte textes thème thèmes tous traite un une clés d ",
	" al argomenti argomento che chi cosa con contenuto dei del della di documenti documento ecco fai fammi file i il in la le mi "
	"panoramica parla parlano principale principali punti quaderno quale quali questa questi questo riassumi riassunto riassumere si "
	"sono testo testi tema temi tratta trattano tutti un una è e ",
	" a arquivo arquivos caderno conteúdo da de do documento documentos dos e é em está este estes esta faça ficheiros geral isto me o os "
	"pontos principais principal quais qual que resuma resumo resumir são sobre tema temas texto textos todos trata tratam um uma "
	"visão assunto assuntos ",
	" alle bestand bestanden de deze dit document documenten een gaan gaat geef het hier hoofdpunten in inhoud is kort me mij notitieboek "
	"onderwerp onderwerpen over overzicht samen samenvatten samenvatting staat tekst teksten thema van vat waar waarover wat welke zijn "
	"belangrijkste punten en ",
	" блокнот блокноте в все главное главные говорится документ документа документах документе документов документы этого этом этот эти этих "
	"здесь и идёт идет какие каково кратко мне мысли о об обзор обо основная основные перескажи речь содержание суммируй тексте тексты "
	"тема темы тут файл файлах файлы чем чём что это резюме сделай дай ",
};
/* Pieces of languages that put no spaces between words, longer ones before those they begin with. */
static const char *const pieces[] = {
	"总结", "概述", "摘要", "概要", "概括", "主要", "主题", "内容", "文档", "文件", "资料", "知识库", "笔记本", "文章", "什么", "哪些", "要点", "重点", "关于",
	"一下", "所有", "全部", "这些", "这个", "这份", "这", "请", "的", "是", "讲", "了", "有", "在", "里", "说", "给我", "做", "个", "都", "中",
	"總結", "內容", "文檔", "什麼", "要點", "關於", "這些", "這個", "這", "請", "講", "個",
	"ノートブック", "ドキュメント", "ファイル", "について", "ください", "ですか", "ますか", "何", "要約", "主な", "テーマ", "書かれて", "これら", "この", "これ",
	"すべて", "して", "い", "は", "を", "の", "が", "て", "し", "に",
};
/* Without one of these it is not asked what something is about: "what is it?" */
static const char *const telling[] = {
	"about", "content", "cover", "document", "file", "finding", "idea", "main", "key", "notebook", "overview", "point", "summar", "takeaway",
	"theme", "topic", "subject", "text", "dokument", "inhalt", "datei", "geht", "handelt", "thema", "themen", "überblick", "fasse", "fassung", "punkte",
	"conten", "trata", "resum", "tema", "punto", "idea", "parle", "résum", "sujet", "thème", "fichier", "points", "argoment", "riassu", "parla", "tratt",
	"assunto", "ponto", "inhoud", "gaat", "onderwerp", "overzicht", "samenvat", "документ", "содержани", "тем", "речь", "обзор", "кратко", "основн",
	"главн", "файл", "резюме", "总结", "概述", "摘要", "概", "内容", "主题", "讲", "要点", "重点", "文", "總結", "內容", "要約", "について", "テーマ",
};

static bool is_listed(const char *word, size_t n)
{
	char needle[64];

	if (n > sizeof needle - 3)
		return false;
	snprintf(needle, sizeof needle, " %.*s ", (int)n, word);
	for (size_t i = 0; i < BR_COUNT(words); i++)
		if (strstr(words[i], needle))
			return true;
	return false;
}

static size_t piece_at(const char *p)
{
	for (size_t i = 0; i < BR_COUNT(pieces); i++)
		if (!strncmp(p, pieces[i], strlen(pieces[i])))
			return strlen(pieces[i]);
	return 0;
}

/* Bytes of a word of letters, up to white space or a mark of ASCII. */
static size_t word_at(const char *p)
{
	size_t n = 0;

	while (p[n] && (isalnum((unsigned char)p[n]) || (unsigned char)p[n] >= 0x80))
		n++;
	return n;
}

/* Marks of CJK and general punctuation. */
static size_t mark_at(const char *p)
{
	uint32_t cp;
	size_t n = br_utf8_next(&cp, p, strlen(p));

	return (cp < 0x80 && !isalnum((int)cp)) || (cp >= 0x2000 && cp <= 0x206f) || (cp >= 0x3000 && cp <= 0x303f) || (cp >= 0xff00 && cp <= 0xff1f) || cp == 0xbf ||
	       cp == 0xa1 || cp == 0xab || cp == 0xbb ? n : 0;
}

static bool is_telling(const char *question)
{
	for (size_t i = 0; i < BR_COUNT(telling); i++)
		if (strstr(question, telling[i]))
			return true;
	return false;
}

bool br_answer__asks_overview(struct br_arena *a, const char *question)
{
	char *s = br_arena_strdup(a, question);
	size_t n;

	br_utf8_lower(s, strlen(s));
	if (!is_telling(s))
		return false;
	for (const char *p = s; *p; p += n)
		if (!(n = mark_at(p)) && !(n = piece_at(p)) && !((n = word_at(p)) && is_listed(p, n)))
			return false;
	return true;
}

/* ---- how documents begin ---- */

enum { FIRST_DOCUMENTS = 5, SHORTEST = 15 };

/* Of each passage the first sentence that says something, or what there is. */
static size_t leads(struct unit **out, const units *u, uint32_t hits)
{
	size_t n = 0;

	for (uint32_t h = 0; h < hits; h++) {
		struct unit *best = NULL;
		for (size_t i = 0; i < u->n; i++) {
			struct unit *x = &u->v[i];
			if (x->hit == h && (!best || best->code || best->len < SHORTEST) && (!best || (!x->code && !x->asks && x->len >= SHORTEST)))
				best = x;
		}
		if (best)
			out[n++] = best;
	}
	return n;
}

static int quote_leads(struct br_reply *out, struct inquiry *q, struct br_err *err)
{
	struct unit *lead[FIRST_DOCUMENTS];
	struct passage p;
	units u = { 0 };
	size_t n;
	int rc;

	for (uint32_t i = 0; i < q->r.n; i++)
		br_answer__cut_passage(&u, &p, q, i);
	n = leads(lead, &u, (uint32_t)q->r.n);
	rc = br_answer__write_quotes(out, q, lead, n, err);
	out->found = n > 0;
	br_vec_release(&u);
	return rc;
}

int br_answer__overview(struct br_reply *out, struct br_searcher *s, const struct br_answer_opts *opts, struct br_err *err)
{
	struct br_query_opts o = opts->query;
	struct inquiry q = { 0 };
	int rc;

	o.by_doc = true;
	o.top = FIRST_DOCUMENTS;
	rc = br_answer__inquiry_make(&q, s, "path:*", &o, err); /* every document, by how it begins */
	if (rc == 0)
		rc = opts->model ? br_answer__model_answer(out, &q, opts, err) : quote_leads(out, &q, err);
	br_answer__inquiry_release(&q);
	return rc;
}
