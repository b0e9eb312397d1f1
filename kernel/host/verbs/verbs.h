// Every verb, each in a file of its own: add_list in list.cpp.
#pragma once

#include "kernel/host/verbs/verb.h"

namespace marginalia {

// Adds the verb to `app`; once it is parsed, `line.action` is what it does. Both outlive the parsing.
using AddVerb = void(CLI::App& app, CommandLine& line);

AddVerb add_run, add_plan, add_resume, add_evaluate, add_logs, add_cancel, add_pause, add_retry, add_list, add_show,
    add_compare, add_diff, add_best, add_table, add_query, add_export, add_recover, add_checkpoint, add_report,
    add_reproduce, add_data, add_sample, add_complete, add_marginals, add_score, add_plugins, add_check_plugin,
    add_new_plugin, add_doctor, add_version, add_top;

// As --help lists them.
struct VerbGroup {
    const char* title;
    std::vector<AddVerb*> verbs;
};
inline const VerbGroup verb_groups[] = {
    {"Train", {add_run, add_plan, add_resume, add_evaluate}},
    {"Watch and control what runs", {add_top, add_logs, add_cancel, add_pause, add_retry}},
    {"Look at results", {add_list, add_show, add_compare, add_diff, add_best, add_table, add_report}},
    {"Ask a trained model", {add_sample, add_complete, add_marginals, add_score, add_checkpoint}},
    {"Take results elsewhere", {add_query, add_export, add_reproduce, add_recover}},
    {"Data sets, plugins, machine",
     {add_data, add_plugins, add_check_plugin, add_new_plugin, add_doctor, add_version}}};

}  // namespace marginalia
