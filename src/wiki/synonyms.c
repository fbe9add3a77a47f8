/*
 * What common topics of handbooks are called in English and Chinese, so that a topic in one language finds passages in the other.
 */
#include "internal.h"

static const struct { const char *en, *zh; } table[] = {
	{ "return policy", "退货政策" }, { "returns", "退货" }, { "refund", "退款" }, { "exchange", "换货" }, { "shipping fees", "运费" },
	{ "shipping", "配送" }, { "delivery", "送货" }, { "product warranty", "产品保修" }, { "warranty", "保修" }, { "repair", "维修" },
	{ "price", "价格" }, { "discount", "折扣" }, { "payment", "付款" }, { "invoice", "发票" }, { "order", "订单" }, { "cancellation", "取消" },
	{ "account", "账户" }, { "password", "密码" }, { "privacy policy", "隐私政策" }, { "privacy", "隐私" }, { "terms of service", "服务条款" },
	{ "contract", "合同" }, { "membership", "会员" }, { "subscription", "订阅" }, { "contact", "联系方式" }, { "opening hours", "营业时间" },
	{ "customer service", "客服" }, { "complaint", "投诉" }, { "company overview", "公司简介" }, { "company", "公司" }, { "leadership", "管理层" },
	{ "employee", "员工" }, { "vacation", "休假" }, { "leave", "请假" }, { "salary", "薪资" }, { "training", "培训" }, { "safety", "安全" },
	{ "security", "安全" }, { "installation", "安装" }, { "configuration", "配置" }, { "upgrade", "升级" }, { "backup", "备份" },
	{ "troubleshooting", "故障排除" }, { "frequently asked questions", "常见问题" }, { "user manual", "用户手册" }, { "product", "产品" },
	{ "service", "服务" }, { "quality", "质量" }, { "certificate", "证书" }, { "ingredients", "成分" }, { "insurance", "保险" },
	{ "tax", "税" }, { "customs", "海关" }, { "license", "许可证" }, { "permission", "权限" }, { "database", "数据库" }, { "network", "网络" },
	{ "error", "错误" }, { "performance", "性能" }, { "index", "索引" }, { "search", "搜索" }, { "test", "测试" }, { "deployment", "部署" },
};

const char *br_wiki__synonym(const char *phrase)
{
	for (size_t i = 0; i < BR_COUNT(table); i++) {
		if (!strcmp(table[i].en, phrase))
			return table[i].zh;
		if (!strcmp(table[i].zh, phrase))
			return table[i].en;
	}
	return NULL;
}

/* A whole word of a text in English, any place in one in Chinese. */
static bool has(const char *text, const char *phrase, bool wide)
{
	size_t n = strlen(phrase);

	for (const char *p = text; (p = strstr(p, phrase)); p++)
		if (wide || ((p == text || p[-1] == ' ') && (!p[n] || p[n] == ' ')))
			return true;
	return false;
}

void br_wiki__translate(struct br_buf *out, const char *text)
{
	struct br_arena a = { 0 };
	const char *phrase = br_wiki__phrase(&a, br_slice_str(text));

	for (size_t i = 0; i < BR_COUNT(table); i++) {
		if (has(phrase, table[i].en, false))
			br_buf_addf(out, " %s", table[i].zh);
		else if (has(phrase, table[i].zh, true))
			br_buf_addf(out, " %s", table[i].en);
	}
	br_arena_release(&a);
}
