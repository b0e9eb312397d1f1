// `completion`: scripts that have the shell ask the program what could follow (word_completion.h).
#include <marginalia/error.h>

#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/nearest.h"

namespace marginalia {
namespace {

struct CompletionOptions {
    std::string shell;
};

// bash cuts words at '=' and ':' as well, so they are taken from the line, and what it has cut off is left out of the
// answers.
constexpr const char* bash_script = R"(# bash completion for marginalia
_marginalia() {
    local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} words word about
    read -a words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local last=${words[${#words[@]}-1]}
    local cut=${last%"${last##*[=:]}"}
    COMPREPLY=()
    while IFS=$'\t' read -r word about; do
        COMPREPLY+=("${word#"$cut"}")
    done < <("${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=/:.] ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -o nosort -F _marginalia marginalia
)";

constexpr const char* zsh_script = R"(#compdef marginalia
_marginalia() {
    local line word
    local -a plain open
    for line in "${(@f)$(${~words[1]} __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        [[ -n $line ]] || continue
        word=${line%%$'\t'*}
        [[ $line == *$'\t'* ]] && line=${word//:/\\:}:${line#*$'\t'} || line=${word//:/\\:}
        [[ $word == *[=/:.] ]] && open+=("$line") || plain+=("$line")
    done
    (( $#open )) && _describe -V marginalia open -S ''
    (( $#plain )) && _describe -V marginalia plain
}
if [[ $funcstack[1] == _marginalia ]]; then _marginalia "$@"; else compdef _marginalia marginalia; fi
)";

constexpr const char* fish_script = R"(# fish completion for marginalia
function __marginalia_complete
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    $words[1] __complete $words[2..-1] "$last" 2>/dev/null
end
complete -c marginalia -f -k -a '(__marginalia_complete)'
)";

constexpr const char* footer_of_completion =
    R"(In bash, now or in ~/.bashrc:       source <(marginalia completion bash)
In zsh, in ~/.zshrc after compinit:  source <(marginalia completion zsh)
In fish:                             marginalia completion fish | source
Packages and `make install` put the scripts where the shells look for them.)";

int completion_verb(const Common&, const CompletionOptions& options, std::ostream& out) {
    const std::vector<std::pair<std::string, const char*>> scripts = {
        {"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};
    std::vector<std::string> shells;
    for (const auto& [shell, script] : scripts) {
        shells.push_back(shell);
        if (shell != options.shell) continue;
        out << script;
        return exit_ok;
    }
    throw Error("there is no completion for '" + options.shell + "'" + suggestion(options.shell, shells, "Shells"));
}

}  // namespace

void add_completion(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_verb(app, line, "completion", "A script that completes words in a shell", completion_verb);
    verb->add_option("shell", options.shell, "bash, zsh or fish")->required();
    verb->footer(footer_of_completion);
}

}  // namespace marginalia
