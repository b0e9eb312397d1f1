// Every verb, each in a file of its own: add_list in list.cpp.
#pragma once

#include "kernel/host/verbs/verb.h"

namespace marginalia {

// Adds the verb to `app`; once it is parsed, `line.action` is what it does. Both outlive the parsing.
using AddVerb = void(CLI::App& app, CommandLine& line);

AddVerb add_run, add_plan, add_resume, add_evaluate, add_logs, add_cancel, add_pause, add_retry, add_list, add_show,
    add_compare, add_diff, add_best, add_table, add_plot, add_query, add_export, add_recover, add_checkpoint,
    add_report, add_reproduce, add_data, add_sample, add_complete, add_marginals, add_score, add_plugins,
    add_check_plugin, add_new_plugin, add_doctor, add_version, add_top, add_schema, add_completion, add_ask, add_tell,
    add_tag, add_note, add_rm, add_restore, add_gc, add_serve, add_submit, add_status, add_merge, add_slurm_task;

// As --help lists them.
struct VerbGroup {
    const char* title;
    std::vector<AddVerb*> verbs;
};
inline const VerbGroup verb_groups[] = {
    {"Train", {add_run, add_plan, add_resume, add_evaluate, add_ask, add_tell}},
    {"Watch and control what runs", {add_top, add_serve, add_logs, add_cancel, add_pause, add_retry}},
    {"Many machines", {add_submit, add_status, add_merge}},
    {"Look at results", {add_list, add_show, add_compare, add_diff, add_best, add_table, add_plot, add_report}},
    {"Keep order", {add_tag, add_note, add_rm, add_restore, add_gc}},
    {"Ask a trained model", {add_sample, add_complete, add_marginals, add_score, add_checkpoint}},
    {"Take results elsewhere", {add_query, add_export, add_reproduce, add_recover}},
    {"Data sets, plugins, machine", {add_data, add_plugins, add_check_plugin, add_new_plugin, add_doctor, add_version}},
    {"Editors, shells", {add_schema, add_completion}},
    {"", {add_slurm_task}}};  // for programs: not listed

}  // namespace marginalia
