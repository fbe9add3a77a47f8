/*
 * Function words: articles, prepositions, pronouns, auxiliaries, conjunctions, question words. In a question they tell how it is
 * asked, not what about, so they weigh FUNCTION_WEIGHT of their idf. They stay in the index, and a question made of nothing
 * else keeps their full weight. On three English sets, a German, a Spanish and a Russian one every weight from 0 to 0.5 gains.
 */
#include "internal.h"

#include <stdlib.h>

static const float FUNCTION_WEIGHT = 0.3f;

static const struct { const char *lang, *words; } lists[] = {
	{ "en", " a about am an and any are as at be been being but by can could did do does doing for from had has have having he her "
		"hers him his how i if in into is it its just let may me might mine must my no nor not of off on onto or our ours out "
		"over shall she should so some such than that the their theirs them then there these they this those to too up upon us "
		"very was we were what when where whether which while who whom whose why will with within would you your yours " },
	{ "de", " aber als also am an auch auf aus bei bin bis da dabei damit dann das dass dein dem den denn der deren des dessen die dies "
		"diese diesem diesen dieser dieses doch du durch ein eine einem einen einer eines er es euch für gegen haben hat hatte "
		"hatten ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in ins ist ja kann kein keine können man mein mich mir mit muss nach "
		"nicht noch nur ob oder ohne sehr sein seine seinem seinen seiner sich sie sind so soll sollte über um und uns unser unter "
		"vom von vor war waren warum was wegen weil welche welchem welchen welcher welches wem wen wenn wer werden wessen wie wieder "
		"wieso will wir wird wo wodurch woher wohin womit worden wurde wurden zu zum zur zwischen " },
	{ "es", " a al algo ante antes aquel aquella como con contra cual cuales cuando cuanto cuánto cuantos cuántos cuál cuáles cuándo cómo de del "
		"desde donde dónde durante e el él ella ellas ellos en entre era eran es esa ese eso esta está están estas este esto estos fue "
		"fueron ha había hay han hasta la las le les lo los más me mi mis muy no nos nuestra nuestro o os otra otro para pero por "
		"porque puede pueden que qué quién quien quiénes se ser si sí sin sobre son su sus también te tiene tu tus u un una uno unas "
		"unos y ya yo " },
	{ "fr", " à au aux avec avait avez avons c ça ce ceci cela ces cet cette ceux chez comme comment combien d dans de des dont du elle elles en "
		"est et étaient était été être eu eux font il ils j je l la laquelle le lequel les lesquels leur leurs lui m ma mais me mes "
		"mon n ne nos notre nous on ont ou où par pas pour pourquoi qu quand que quel quelle quelles quels qui quoi s sa sans se "
		"sera ses si son sont sous sur t ta te tes ton tu un une vos votre vous y " },
	{ "it", " a ad agli ai al alla alle allo anche c che chi ci come con cosa cui da dagli dai dal dalla dalle dallo degli dei del dell della delle "
		"dello di dove dopo e è ed era erano essere fu gli ha hanno i il in io l la le lei lo loro lui ma mi mia mio nei nel nell "
		"nella nelle nello noi non o ogni per perché però più può qual quale quali quando quanti quanto quella quelle quelli quello "
		"questa queste questi questo se sei si sia sono su sua sue sugli sui sul sulla sulle sullo suo suoi ti tra tu un una uno vi voi " },
	{ "pt", " a à ao aos aquela aquele aquilo as às até com como da das de dela dele delas deles do dos e é ela elas ele eles em entre era eram "
		"essa esse esta está este estes estas eu foi foram há isso isto já lhe mais mas me meu minha muito na nas não nem no nos nós "
		"nossa nosso num numa o onde os ou para pela pelas pelo pelos pode por porque porquê qual quais quando quanto quantos que quê "
		"quem se seja sem ser será seu seus só sobre sua suas são também te tem têm tu um uma umas uns você " },
	{ "nl", " aan als bij dan dat de deze die dit doch doen door dus een en er ge geen haar had heb hebben heeft hem het hier hij hoe hoeveel hun "
		"ik in is je jullie kan kon kunnen maar me men met mij mijn moet na naar niet nog nu of om omdat onder ons onze ook op over "
		"te tegen ten ter toch tot u uit uw van veel voor waar waarom wanneer want waren was wat we wel welk welke werd werden wie wij "
		"wil word worden wordt zal ze zich zij zijn zo zou zonder zouden " },
	{ "ru", " а без более был была были было быть в вам вас во вот все всё вы где да для до его ее её если есть ещё еще же за зачем и из или им их "
		"к как какая какие каким каких какого какое какой каком какую ко когда который которая которое которые кого кому кто куда ли "
		"мне мой моя мы на над нам нас не него неё нет ни них но о об он она они оно от откуда по под почему при про с сам свой своя "
		"себя сколько со так там то того тоже той том ты у уже чего чей чем что чтобы эта эти это этого этой этот я " },
	{ "sv", " alla att av de den denna deras dess det detta dig din du där då efter ej eller en er ett från för ha har han hans hon hur här i icke "
		"in inom inte jag kan kunde man med men mig min mot mycket ni nu när någon något och om oss på sedan sig sin ska skulle som så "
		"till under upp ut var varför vad vara varit vem vi vid vilka vilken vilket än är åt över " },
	{ "da", " af alle at blev da de dem den denne der deres det dette dig din disse du efter eller en er et for fra ham han har havde hende hun hvad "
		"hvem hvilke hvilken hvilket hvis hvor hvordan hvorfor hvornår i ikke ind jeg kan kunne man med men mig min mod når ned noget nogen "
		"nu og også om op os over på sig sin skal skulle som til ud under var ved vi vil ville være været " },
	{ "no", " alle at av blir ble da de dem den denne der deres det dette din disse du eller en er et etter for fra før ha hadde han har hennes "
		"her hun hva hvem hvilke hvilken hvilket hvis hvor hvordan hvorfor i ikke inn jeg kan kunne man med meg men min mot når noe "
		"noen nå og også om opp oss over på seg sin skal skulle som så til ut under var ved vi vil ville være vært " },
};

static const char *list_of(const char *lang)
{
	for (size_t i = 0; i < BR_COUNT(lists); i++)
		if (!strcmp(lists[i].lang, lang))
			return lists[i].words;
	return NULL;
}

static bool in_list(const char *list, struct br_slice word)
{
	char needle[48];

	if (!word.len || word.len > sizeof needle - 3)
		return false;
	needle[0] = ' ';
	memcpy(needle + 1, word.ptr, word.len);
	br_utf8_lower(needle + 1, word.len);
	memcpy(needle + 1 + word.len, " ", 2);
	return strstr(list, needle) != NULL;
}

/* The list of the question's own language if the notebook has such documents, else of what most of the notebook is in. */
static const char *choose_list(const struct search *s)
{
	const char *guess = br_guess_lang(br_buf_slice(&s->q.plain)), *first = NULL;

	for (size_t i = 0; s->langs[i]; i++) {
		const char *list = list_of(s->langs[i]);
		if (list && !strcmp(s->langs[i], guess))
			return list;
		if (list && !first)
			first = list;
	}
	return first;
}

void weigh_function_words(struct search *s)
{
	const char *list = choose_list(s);
	bool is[BR_MAX_QUERY_TERMS] = { false }, content = false;

	for (size_t g = 0; list && g < s->words.groups.n; g++) {
		const struct br_fts_group *w = &s->words.groups.v[g];
		is[g] = in_list(list, br_slice(s->q.plain.ptr + w->off, w->len));
		content |= !is[g];
	}
	s->content = UINT64_MAX;
	for (size_t g = 0; content && g < s->words.groups.n; g++) {
		if (!is[g])
			continue;
		s->words.groups.v[g].idf *= FUNCTION_WEIGHT;
		if (g < 64)
			s->content &= ~(1ull << g);
	}
}
