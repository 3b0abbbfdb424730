#include "tpl.h"

#include <cstdio>
#include <cstring>
#include <list>
#include <string>

#include <ctemplate/template.h>
#include <ctemplate/template_cache.h>
#include <ctemplate/template_dictionary.h>
#include <ctemplate/template_emitter.h>

extern "C" {
#include "base/buf.h"
#include "base/err.h"
#include "pack.h"
}

using ctemplate::TemplateDictionary;

static const ctemplate::Strip STRIP = ctemplate::STRIP_BLANK_LINES;
static const char FOLDER[] = "templates/";
static const char ESCAPE[] = "{{%AUTOESCAPE context=\"HTML\"";

/*
 * The owner of the dictionary is the root; rows and parts are views of it that
 * the root keeps.
 */
struct tpl {
	TemplateDictionary *dict;
	TemplateDictionary *own; /* the root's own, else NULL */
	struct tpl *root;
	std::string name;
	std::list<struct tpl> kids;
	bool failed; /* of the root: something did not fit into memory */
};

static std::string
file_of(const char *name)
{
	return std::string(FOLDER) + name + ".tpl";
}

/* A template without escaping would be a hole in every page that has it. */
static int
check(const struct pack *p, struct err *e)
{
	const char *text = reinterpret_cast<const char *>(p->bytes);

	if (strncmp(text, ESCAPE, sizeof(ESCAPE) - 1) != 0)
		return err_set(
		    e, "%s: does not begin with the AUTOESCAPE line", p->name);
	if (strstr(text, ":none") != nullptr)
		return err_set(e, "%s: :none is forbidden", p->name);
	return 0;
}

static int
load(struct err *e)
{
	const struct pack *p;

	for (size_t i = 0; (p = pack_at(i)) != nullptr; i++) {
		if (strncmp(p->name, FOLDER, sizeof(FOLDER) - 1) != 0)
			continue;
		if (check(p, e) == -1)
			return -1;
		if (!ctemplate::StringToTemplateCache(p->name,
			reinterpret_cast<const char *>(p->bytes), p->n,
			STRIP))
			return err_set(e, "%s: it has an error", p->name);
	}
	return 0;
}

int
tpl_load(struct err *e)
{
	try {
		return load(e);
	} catch (...) {
		return err_set(e, "templates: out of memory");
	}
}

struct tpl *
tpl_new(const char *name, struct err *e)
{
	try {
		struct tpl *t = new struct tpl();

		t->root = t;
		t->name = file_of(name);
		t->own = new TemplateDictionary(t->name);
		t->dict = t->own;
		return t;
	} catch (...) {
		err_set(e, "%s: out of memory", name);
		return nullptr;
	}
}

void
tpl_free(struct tpl **t)
{
	if (*t == nullptr)
		return;
	delete (*t)->own;
	delete *t;
	*t = nullptr;
}

void
tpl_set(struct tpl *t, const char *name, const char *value)
{
	if (t == nullptr)
		return;
	try {
		t->dict->SetValue(name, value);
	} catch (...) {
		t->root->failed = true;
	}
}

void
tpl_int(struct tpl *t, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", static_cast<long long>(value));
	tpl_set(t, name, text);
}

void
tpl_show(struct tpl *t, const char *section)
{
	if (t == nullptr)
		return;
	try {
		t->dict->ShowSection(section);
	} catch (...) {
		t->root->failed = true;
	}
}

void
tpl_maybe(struct tpl *t, const char *section, const char *value)
{
	if (*value == '\0')
		return;
	tpl_show(t, section);
	tpl_set(t, section, value);
}

/* A view of dict below t. */
static struct tpl *
view(struct tpl *t, TemplateDictionary *dict)
{
	t->root->kids.emplace_back();
	struct tpl *kid = &t->root->kids.back();
	kid->dict = dict;
	kid->root = t->root;
	return kid;
}

struct tpl *
tpl_row(struct tpl *t, const char *section)
{
	if (t == nullptr)
		return nullptr;
	try {
		return view(t, t->dict->AddSectionDictionary(section));
	} catch (...) {
		t->root->failed = true;
		return nullptr;
	}
}

struct tpl *
tpl_put(struct tpl *t, const char *place, const char *name)
{
	if (t == nullptr)
		return nullptr;
	try {
		TemplateDictionary *d = t->dict->AddIncludeDictionary(place);

		d->SetFilename(file_of(name));
		return view(t, d);
	} catch (...) {
		t->root->failed = true;
		return nullptr;
	}
}

/* Writes into the buf as the page grows. */
class BufEmitter : public ctemplate::ExpandEmitter {
public:
	explicit BufEmitter(struct buf *to) : to_(to), good(true)
	{
	}
	void
	Emit(char c) override
	{
		Emit(&c, 1);
	}
	void
	Emit(const std::string &s) override
	{
		Emit(s.data(), s.size());
	}
	void
	Emit(const char *s) override
	{
		Emit(s, strlen(s));
	}
	void
	Emit(const char *s, size_t n) override
	{
		good = good && buf_add(to_, s, n, nullptr) == 0;
	}

private:
	struct buf *to_;

public:
	bool good;
};

int
tpl_render(struct tpl *t, struct buf *to, struct err *e)
{
	if (t == nullptr || t->failed)
		return err_set(e, "page: out of memory");
	try {
		BufEmitter emitter(to);

		if (!ctemplate::ExpandTemplate(
			t->name, STRIP, t->dict, &emitter) || !emitter.good)
			return err_set(e, "%s: could not be filled",
			    t->name.c_str());
		return 0;
	} catch (...) {
		return err_set(e, "%s: out of memory", t->name.c_str());
	}
}
