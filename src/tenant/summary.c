/*
 * What someone who takes over a conversation should know, drawn from what was said by rules: the name that the customer gave, what was
 * asked and answered, what is open, and the tone.
 */
#include "internal.h"

#include <stdlib.h>

enum { FACTS = 5, ACTIONS = 3, NAME_MAX_BYTES = 60 };

static bool is_user(const struct br_said *s) { return !strcmp(s->role, "user"); }

static const char *after(const char *text, const char *phrase)
{
	const char *p = strcasestr(text, phrase);

	return p ? p + strlen(phrase) : NULL;
}

static void write_name(struct br_json *j, const struct br_session *s)
{
	static const char *const says[] = { "my name is ", "this is my name: ", "i am called ", "我叫", "我的名字是", "我姓" };
	const char *p = NULL;

	for (size_t i = 0; i < s->said.n && !p; i++)
		for (size_t k = 0; k < BR_COUNT(says) && !p && is_user(&s->said.v[i]); k++)
			p = after(s->said.v[i].content, says[k]);
	br_json_key(j, "customer_name");
	if (p) {
		size_t n = strcspn(p, ".,;!?\n"), comma = 0;
		for (; comma < n && strncmp(p + comma, "，", 3) && strncmp(p + comma, "。", 3) && strncmp(p + comma, " and ", 5); comma++)
			;
		br_json_strn(j, p, BR_MIN(comma, (size_t)NAME_MAX_BYTES));
	} else {
		br_json_null(j);
	}
}

/* The first question that is about something. */
static const char *main_question(const struct br_session *s)
{
	const char *any = "";

	for (size_t i = 0; i < s->said.n; i++) {
		if (!is_user(&s->said.v[i]))
			continue;
		any = s->said.v[i].content;
		if (br_intent_of(any) == BR_INTENT_KNOWLEDGE)
			return any;
	}
	return any;
}

static size_t sentence(const char *s)
{
	size_t n;

	for (n = 0; s[n] && s[n] != '\n' && n < 300; n++)
		if ((strchr(".!?", s[n]) && (s[n + 1] == ' ' || !s[n + 1])) || !strncmp(s + n, "。", 3))
			return n + (strchr(".!?", s[n]) ? 1 : 3);
	while (n && ((unsigned char)s[n] & 0xc0) == 0x80) /* within a character */
		n--;
	return n;
}

static bool was_answered(const struct br_session *s, size_t i)
{
	return i + 1 < s->said.n && !is_user(&s->said.v[i + 1]) && *s->said.v[i + 1].content && s->low == 0;
}

static void write_facts(struct br_json *j, const struct br_session *s)
{
	size_t n = 0;

	br_json_key(j, "context_facts");
	br_json_arr(j);
	for (size_t i = 0; i < s->said.n && n < FACTS; i++)
		if (!is_user(&s->said.v[i]) && i && is_user(&s->said.v[i - 1]) && br_intent_of(s->said.v[i - 1].content) == BR_INTENT_KNOWLEDGE) {
			br_json_strn(j, s->said.v[i].content, sentence(s->said.v[i].content));
			n++;
		}
	br_json_end(j);
	n = 0;
	br_json_key(j, "pending_facts");
	br_json_arr(j);
	for (size_t i = 0; i < s->said.n && n < FACTS; i++)
		if (is_user(&s->said.v[i]) && !was_answered(s, i) && br_intent_of(s->said.v[i].content) == BR_INTENT_KNOWLEDGE) {
			br_json_str(j, s->said.v[i].content);
			n++;
		}
	br_json_end(j);
}

static bool anybody_says(const struct br_session *s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < s->said.n; i++)
		for (size_t k = 0; k < n && is_user(&s->said.v[i]); k++)
			if (strcasestr(s->said.v[i].content, words[k]))
				return true;
	return false;
}

static const char *sentiment(const struct br_session *s)
{
	static const char *const urgent[] = { "urgent", "asap", "immediately", "right now", "emergency", "紧急", "緊急", "马上", "馬上", "立刻", "尽快", "盡快" };
	static const char *const cross[] = { "angry", "terrible", "useless", "ridiculous", "frustrat", "unacceptable", "worst", "fed up", "sue", "complain", "lawyer", "生气",
		"生氣", "垃圾", "太差", "投诉", "投訴", "气死", "氣死", "失望", "律师", "律師" };

	return anybody_says(s, urgent, BR_COUNT(urgent)) ? "urgent" : anybody_says(s, cross, BR_COUNT(cross)) || s->low >= 3 ? "frustrated" : "neutral";
}

void br_session_summary(struct br_json *j, const struct br_session *s)
{
	const char *tone = sentiment(s), *asks = main_question(s);

	br_json_obj(j);
	write_name(j, s);
	br_json_kstr(j, "main_question", asks);
	write_facts(j, s);
	br_json_key(j, "suggested_actions");
	br_json_arr(j);
	if (strcmp(tone, "neutral"))
		br_json_str(j, "Acknowledge the trouble before anything else");
	if (*asks)
		br_json_str(j, "Answer the main question");
	if (s->low || !*asks)
		br_json_str(j, "Ask what exactly is needed");
	br_json_end(j);
	br_json_kstr(j, "sentiment", tone);
	br_json_end(j);
}
