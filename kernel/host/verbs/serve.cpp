// `serve`: kernel/host/serve/ does it.
#include "kernel/host/serve/serve.h"

#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_serve =
    R"(The store in a browser: experiments, curves, samples, what runs now, renewed as trials write. It only reads.
Without --address it answers this machine alone; on another machine, ssh -L 8420:localhost:8420 HOST brings it to yours.
With --address, every request needs the token that is part of the printed address; the connection is not encrypted.
Where several people have accounts on the machine, --token-file keeps the others out: it asks for the file's token.

Examples:
  marginalia serve
  marginalia serve --port 9000
  marginalia serve --address 0.0.0.0 --token-file ~/.marginalia-token)";

int serve_verb(const Common& common, const serve::Options& options, std::ostream& out) {
    return serve::serve(common.store, options, out);
}

}  // namespace

void add_serve(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(app, line, "serve", "The store, live in a browser", serve_verb);
    verb->add_option("--port", options.port, "the first free one from 8420 on if left out; 0: any")
        ->check(whole_number(0, 65535));
    verb->add_option("--address", options.address, "of this machine, to answer others too; 0.0.0.0: all it has");
    verb->add_option("--token-file", options.token_file, "ask for the token in this file; it is made if not there");
    verb->footer(footer_of_serve);
}

}  // namespace marginalia
