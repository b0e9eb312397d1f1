// `schema`: what experiment files may say, for editors.
#include "kernel/spec/file_schema.h"

#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_schema =
    R"(Example:
  marginalia schema > marginalia.schema.json

With the line  #:schema ./marginalia.schema.json  at the top of an experiment file, editors that have Taplo (Even
Better TOML) or Tombi complete keys, show their help and underline what is wrong.)";

int schema_verb(const Common& common, std::ostream& out) {
    out << file_schema(fetch_catalogue(plugin_folders(common.plugin_paths))).dump(1) << '\n';
    return exit_ok;
}

}  // namespace

void add_schema(CLI::App& app, CommandLine& line) {
    add_verb(app, line, "schema", "A JSON schema of experiment files, for editors", schema_verb)
        ->footer(footer_of_schema);
}

}  // namespace marginalia
