#include "kernel/host/verbs/verb_options.h"

#include "kernel/host/verbs/data.h"
#include "kernel/host/verbs/exit_codes.h"
#include "kernel/host/verbs/model_verbs.h"
#include "kernel/host/verbs/verb_footers.h"
#include "kernel/host/verbs/verb_parts.h"

namespace marginalia {
namespace {

void add_format(CLI::App* verb, Request& request, const std::string& formats) {
    verb->add_option("--format", request.format, formats);
}

RunOptions completed(const Request& request) {
    RunOptions options = request.run;
    options.store = request.common.store;
    options.plugin_paths = request.common.plugin_paths;
    options.trust = request.common.trust;
    options.command_line = request.words;
    return options;
}

void add_acting_verbs(CLI::App& app, Request& request) {
    CLI::App* run = add_verb(app, request, "run", "Do what is missing of an experiment file",
                             [](Request& r, std::ostream& out) { return run_verb(completed(r), out); });
    CLI::App* plan = add_verb(app, request, "plan", "Say what `run` would do with each trial",
                              [](Request& r, std::ostream& out) { return plan_verb(completed(r), out); });
    for (CLI::App* verb : {run, plan}) {
        verb->add_option("file", request.run.file, "experiment file (TOML)")->required();
        verb->add_option("overrides", request.run.overrides, "key=value, as train.steps=10 or train.batch=64,128");
    }
    CLI::App* resume = add_verb(app, request, "resume", "Go on with an experiment in the store",
                                [](Request& r, std::ostream& out) { return resume_verb(completed(r), out); });
    resume->add_option("experiment", request.run.experiment, "its name; the newest if left out");
    for (CLI::App* verb : {run, plan, resume}) {
        verb->add_flag("--retry-failed", request.run.retry_failed,
                       "also run trials that failed, timed out or ran out of memory");
        verb->add_flag("--again", request.run.again,
                       "also run trials anew whose plugins or input files have changed since");
    }
    for (CLI::App* verb : {run, resume})
        verb->add_flag("-q,--quiet", request.run.quiet, "no progress and no summary, only failures");
}

void add_looking_verbs(CLI::App& app, Request& request) {
    CLI::App* list = add_store_verb(app, request, "list", "Trials, one a line",
                                    [](Request& r, std::ostream& out) { return list_verb(r.common, r.list, out); });
    list->add_option("-e,--experiment,experiment", request.list.experiment, "only this experiment's");
    add_names(list, "--status", request.list.statuses, "only these: done,failed,...");
    add_names(list, "-m,--metric", request.list.metrics, "metrics to show: kl,loss,...");
    list->add_option("-n,--limit", request.list.limit, "the newest so many; 0: all")->check(whole_number(0));
    list->add_flag("--experiments", request.list.experiments, "one line an experiment instead");
    add_format(list, request, "text, csv, json or markdown");

    CLI::App* show = add_store_verb(app, request, "show", "Everything about one trial",
                                    [](Request& r, std::ostream& out) { return show_verb(r.common, r.show, out); });
    show->add_option("trial", request.show.trial, a_trial)->required()->check(names_a_trial);
    show->add_flag("--toml", request.show.toml, "only its experiment file, ready to run");
    show->add_option("--pictures", request.show.pictures,
                     "write its drawings and histograms as SVG files into this folder");
    add_format(show, request, "text or json");

    CLI::App* compare =
        add_store_verb(app, request, "compare", "Trials side by side: differing config keys and metrics",
                       [](Request& r, std::ostream& out) { return compare_verb(r.common, r.trials, out); });
    compare->add_option("trials", request.trials, a_trial)->required()->expected(2, -1)->check(names_a_trial);
    add_format(compare, request, "text, csv, json, markdown or latex");

    CLI::App* diff =
        add_store_verb(app, request, "diff", "Only what differs between two trials, code and plugins included",
                       [](Request& r, std::ostream& out) { return diff_verb(r.common, r.first, r.second, out); });
    diff->add_option("first", request.first, a_trial)->required()->check(names_a_trial);
    diff->add_option("second", request.second, "another one")->required()->check(names_a_trial);
    add_format(diff, request, "text, csv, json, markdown or latex");
}

void add_ranking_verbs(CLI::App& app, Request& request) {
    CLI::App* best = add_store_verb(app, request, "best", "Configurations ranked by a metric's mean over seeds",
                                    [](Request& r, std::ostream& out) { return best_verb(r.common, r.best, out); });
    best->add_option("metric", request.best.metric, "final metric, or the last value of a recorded one")->required();
    best->add_option("-e,--experiment", request.best.experiment, "only this experiment's");
    CLI::Option* highest =
        best->add_flag("--max", request.best.highest, "the highest is best (known for spearman and pearson)");
    best->add_flag("--min", request.best.lowest, "the lowest is best, whatever the metric")->excludes(highest);
    best->add_option("--min-seeds", request.best.min_seeds, "only configurations with at least so many seeds done")
        ->check(whole_number(1));
    best->add_option("-n,--limit", request.best.limit, "so many lines; 0: all")->check(whole_number(0));
    add_format(best, request, "text, csv, json, markdown or latex");

    CLI::App* table = add_store_verb(
        app, request, "table",
        "The experiment's [table] beside published figures, or means ± standard errors over seeds by config keys",
        [](Request& r, std::ostream& out) { return table_verb(r.common, r.table, out); });
    table->add_option("experiment", request.table.experiment, "its name; the newest if left out");
    table->footer(table_footer);
    add_names(table, "-r,--rows", request.table.rows, "config keys of the rows; those that differ if left out");
    add_names(table, "-c,--columns", request.table.columns, "config keys of the columns");
    add_names(table, "-m,--metric", request.table.metrics, "final metrics in the cells");
    add_format(table, request, "text, markdown, latex, csv or json");
}

void add_data_verbs(CLI::App& app, Request& request) {
    CLI::App* query = add_store_verb(app, request, "query", "Rows of an SQL statement over the store's views",
                                     [](Request& r, std::ostream& out) { return query_verb(r.common, r.text, out); });
    query->add_option("sql", request.text, "as SELECT name, value FROM final_metrics WHERE trial_id = 3")->required();
    add_format(query, request, "text, csv, json, markdown or latex");

    CLI::App* exported = add_store_verb(app, request, "export", "Metrics in long form, for other programs",
                                        [](Request& r, std::ostream& out) {
                                            if (r.common.format == Format::text) r.common.format = Format::csv;
                                            return export_verb(r.common, r.exported, out);
                                        });
    exported->add_option("what", request.exported.what, "metrics (every point), final or trials")
        ->check(CLI::IsMember({"metrics", "final", "trials"}));
    CLI::Option* trial = exported->add_option("-t,--trial", request.exported.trial, std::string("only this ") + a_trial)
                             ->check(names_a_trial);
    exported->add_option("-e,--experiment", request.exported.experiment, "only this experiment's")->excludes(trial);
    exported->add_option("-o,--out", request.exported.file, "file to write; standard output if left out or -");
    add_format(exported, request, "csv or json");

    CLI::App* recovered = add_verb(app, request, "recover", "Keep what is whole of a damaged store, in a new one",
                                   [](Request& r, std::ostream& out) { return recover_verb(r.recover, out); });
    recovered->footer(recover_footer);
    recovered->add_option("store", request.recover.damaged, "the damaged store, which is only read")->required();
    recovered->add_option("-o,--out", request.recover.file, "the new store; must not be there yet")->required();

    CLI::App* checkpoint = app.add_subcommand("checkpoint", "Networks kept in the store");
    checkpoint->require_subcommand(1)->fallthrough();
    CLI::App* written = add_store_verb(
        *checkpoint, request, "export", "Write a trained model as a TorchScript file (torch.jit.load opens it)",
        [](Request& r, std::ostream&) { return checkpoint_export_verb(r.common, r.checkpoint); });
    written->footer(checkpoint_export_footer);
    written->add_option("trial", request.checkpoint.trial, a_trial)->required()->check(names_a_trial);
    written->add_option("--step", request.checkpoint.step, "of this step; the newest if left out")
        ->check(whole_number(0));
    written->add_option("-o,--out", request.checkpoint.file,
                        "file to write, - for standard output; trial-N-step-S.pt if left out");

    CLI::App* report =
        add_store_verb(app, request, "report", "One self-contained HTML page about an experiment",
                       [](Request& r, std::ostream& out) { return report_verb(r.common, r.report, out); });
    report->add_option("experiment", request.report.experiment, "its name; the newest if left out");
    report->add_option("-o,--out", request.report.file,
                       "file to write, - for standard output; EXPERIMENT.html if left out");

    CLI::App* reproduce =
        add_store_verb(app, request, "reproduce", "A trial's experiment file, and what differs now from when it ran",
                       [](Request& r, std::ostream& out) { return reproduce_verb(r.common, r.reproduce, out); });
    reproduce->add_option("trial", request.reproduce.trial, a_trial)->required()->check(names_a_trial);
    reproduce->add_option("-o,--out", request.reproduce.file, "file to write; standard output if left out or -");
}

void add_machine_verbs(CLI::App& app, Request& request) {
    CLI::App* plugins =
        add_verb(app, request, "plugins", "The plugins there are, all or of one kind, or the manual of one",
                 [](Request& r, std::ostream& out) { return plugins_verb(r.common, r.text, out); });
    plugins->add_option(
        "name", request.text,
        "KIND to list, such as sampler, or plugin to describe: NAME, or KIND/NAME where kinds share a name");
    add_format(plugins, request, "text, csv, json or markdown");
    CLI::App* check = add_verb(app, request, "check-plugin", "Check that a plugin keeps the promises of its interface",
                               [](Request& r, std::ostream&) { return check_plugin_verb(r.common, r.text, r.trials); });
    check->footer(check_plugin_footer);
    check->add_option("plugin", request.text, "plugin file, or NAME, or KIND/NAME where kinds share a name")
        ->required();
    check->add_option("parameters", request.trials, "key=value, or a .toml file of parameters");
    CLI::App* created =
        add_verb(app, request, "new-plugin", "Write a small, complete plugin project to start from",
                 [](Request& r, std::ostream& out) { return new_plugin_verb(r.common, r.new_plugin, out); });
    created->footer(new_plugin_footer);
    created->add_option("kind", request.new_plugin.kind, "energy, dataset, network, sampler or objective")->required();
    created->add_option("name", request.new_plugin.name, "lower-case words joined by '-'")->required();
    created->add_option("--dir", request.new_plugin.folder, "folder to make; ./NAME if left out");
    add_verb(app, request, "doctor", "Check worker, LibTorch, plugins, store and disk",
             [](Request& r, std::ostream& out) { return doctor_verb(r.common, out); });
    add_verb(app, request, "version", "The program's version", [](Request&, std::ostream& out) {
        out << "marginalia " << MARGINALIA_VERSION << '\n';
        return exit_ok;
    });
}

}  // namespace

void add_verbs(CLI::App& app, Request& request) {
    add_acting_verbs(app, request);
    add_looking_verbs(app, request);
    add_ranking_verbs(app, request);
    add_data_verbs(app, request);
    add_data_set_verbs(app, request);
    add_model_verbs(app, request);
    add_machine_verbs(app, request);
}

}  // namespace marginalia
