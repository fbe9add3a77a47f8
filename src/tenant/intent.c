/*
 * What a question is for, by rules in English and Chinese. Taking knowledge for small talk is the costly mistake: whatever no rule
 * claims as a whole is knowledge.
 */
#include "internal.h"

static const char *const names[] = { "knowledge", "smalltalk", "handoff", "opinion" };

const char *br_intent_name(enum br_intent i) { return names[i]; }

/* Anywhere in the question; words as wholes. */
static const char *const to_people[] = {
	"human agent", "live agent", "real agent", "talk to a human", "talk to human", "talk to a person", "talk to someone", "talk to an agent", "talk to a real person",
	"speak to a human", "speak with a human", "speak to a person", "speak to someone", "speak with someone", "speak to an agent", "speak with an agent",
	"speak to a real person", "speak to a representative", "speak with a representative", "talk to a representative", "connect me to", "transfer me to",
	"customer service representative please", "i want a human", "i need a human", "human please", "agent please", "real person please",
	"转人工", "轉人工", "人工客服", "真人客服", "找人工", "找真人", "要真人", "接人工", "转接客服", "轉接客服", "和人说话", "跟真人", "请客服", "請客服",
	/* legal threats are for people, too */
	"i will sue", "ill sue", "going to sue", "sue your company", "take legal action", "taking legal action", "my lawyer", "my attorney", "律师函", "律師函",
	"起诉你", "起訴你", "法院见", "法院見", "我要起诉", "我要起訴", "我的律师", "我的律師",
};
/* At the beginning. */
static const char *const of_opinion[] = {
	"what do you think", "what is your opinion", "whats your opinion", "do you like", "do you love", "do you prefer", "do you believe in", "who do you prefer",
	"which do you like", "whats your favorite", "whats your favourite", "what is your favorite", "what is your favourite", "who will win the election",
	"你觉得", "你覺得", "你认为", "你認為", "你怎么看", "你怎麼看", "你喜欢", "你喜歡", "你的看法", "你支持",
};
/* All of the question is made of these. */
static const char *const of_greeting[] = {
	"hi", "hello", "hey", "hiya", "good morning", "good afternoon", "good evening", "good night", "thanks", "thank you", "thank you very much", "thanks a lot",
	"thx", "bye", "goodbye", "good bye", "see you", "how are you", "how are you doing", "nice to meet you", "who are you", "are you a robot", "are you a bot",
	"are you human", "ok", "okay", "great", "cool", "there", "so much", "everyone", "all",
	"你好", "您好", "嗨", "哈喽", "哈囉", "哈罗", "早上好", "上午好", "中午好", "下午好", "晚上好", "早安", "晚安", "谢谢", "謝謝", "多谢", "多謝", "感谢", "感謝",
	"再见", "再見", "拜拜", "你是谁", "你是誰", "你是机器人吗", "你是機器人嗎", "好的", "你们好", "你們好", "大家好", "在吗", "在嗎", "啊", "呀", "你", "您", "了",
};
/* What has gone before is meant when a question begins so, or is no more than this. */
static const char *const going_on[] = {
	"and", "also", "what about", "how about", "then", "why is that", "what else", "and the", "or", "but", "那", "那么", "那麼", "还有", "還有", "它", "他们", "这个",
	"這個", "那个", "那個", "继续", "繼續", "然后", "然後", "为什么呢", "為什麼呢",
};
static const char *const pointing[] = { "it", "that", "this", "those", "these", "they", "them", "one", "ones", "same" };

static bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/* Where `phrase` stands as words of text, at or behind `from`; NULL: nowhere. */
static const char *find(const char *text, const char *from, const char *phrase)
{
	size_t n = strlen(phrase);

	for (const char *p = from; (p = strstr(p, phrase)); p++)
		if ((!is_word(phrase[0]) || p == text || !is_word(p[-1])) && (!is_word(phrase[n - 1]) || !is_word(p[n])))
			return p;
	return NULL;
}

static bool has_any(const char *text, const char *const *list, size_t n, bool first)
{
	for (size_t i = 0; i < n; i++) {
		const char *p = find(text, text, list[i]);
		if (p && (!first || p == text))
			return true;
	}
	return false;
}

static size_t longest_at(const char *text, const char *p)
{
	size_t best = 0;

	for (size_t i = 0; i < BR_COUNT(of_greeting); i++) {
		size_t n = strlen(of_greeting[i]);
		if (n > best && !strncmp(p, of_greeting[i], n) && find(text, p, of_greeting[i]) == p)
			best = n;
	}
	return best;
}

static bool all_greeting(const char *text)
{
	size_t n, taken = 0;

	for (const char *p = text; *p; p += n) {
		while (*p == ' ')
			p++;
		if (!*p)
			break;
		if (!(n = longest_at(text, p)))
			return false;
		taken++;
	}
	return taken > 0;
}

enum br_intent br_intent_of(const char *question)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	enum br_intent is = BR_INTENT_KNOWLEDGE;

	br_wiki_normalize(&b, br_slice_str(question));
	if (has_any(b.ptr, to_people, BR_COUNT(to_people), false))
		is = BR_INTENT_HANDOFF;
	else if (all_greeting(b.ptr))
		is = BR_INTENT_SMALLTALK;
	else if (has_any(b.ptr, of_opinion, BR_COUNT(of_opinion), true))
		is = BR_INTENT_OPINION;
	br_buf_release(&b);
	return is;
}

bool br_intent_refers_back(const char *question)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	size_t blanks = 0;
	bool back;

	br_wiki_normalize(&b, br_slice_str(question));
	for (size_t i = 0; i < b.len; i++)
		blanks += b.ptr[i] == ' ';
	back = has_any(b.ptr, going_on, BR_COUNT(going_on), true) || has_any(b.ptr, pointing, BR_COUNT(pointing), false) ||
		(blanks < 2 && is_word(b.ptr[0])) || (b.len <= 12 && !is_word(b.ptr[0]));
	br_buf_release(&b);
	return back;
}
