// The verbs of the command line and their options.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "kernel/host/run/run.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {

// What the parser fills in; verbs are run after parsing is over.
struct Request {
    Common common;
    std::string format = "text";
    std::vector<std::string> words;  // the command line as typed
    RunOptions run;
    ListOptions list;
    ShowOptions show;
    BestOptions best;
    TableOptions table;
    std::vector<std::string> trials;
    std::string first, second, text;
    ExportOptions exported;
    RecoverOptions recover;
    CheckpointOptions checkpoint;
    ReportOptions report;
    ReproduceOptions reproduce;
    NewPluginOptions new_plugin;
    ScoreOptions score;
    InferenceOptions inference;
    std::function<int(std::ostream&)> verb;
};

// Adds every verb to `app`; parsing fills in `request`, which must outlive it, and `request.verb` then is what to do.
void add_verbs(CLI::App& app, Request& request);

}  // namespace marginalia
