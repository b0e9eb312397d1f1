// What is said of a trial in the live view: one function a column. Foreign text is made printable here.
#pragma once

#include <string>
#include <vector>

#include "kernel/host/top/picture.h"
#include "store/overview.h"

namespace marginalia::top {

// A trial as the table has it.
struct Row {
    store::LiveTrial trial;
    std::string settings;       // what tells it from the others of its experiment: "channels=32 seed=1"
    std::vector<double> curve;  // by step, thinned
};

// With one unit and at most seven columns, "87 s", "12 min", "5.2 h", "3.1 d"; empty where it is not known.
std::string brief_duration(double seconds);

// Its status and, while it runs, what it is at: "starting", "running", "evaluating", "pausing", "cancelling".
std::string status_text(const store::LiveTrial& trial);

// From 0 to 1; NaN where it is not known.
double share_done(const store::LiveTrial& trial);
std::string progress_text(const store::LiveTrial& trial, std::size_t bar);  // a bar so wide, and " 45%"

// While it runs; empty otherwise, and where they are not known.
double seconds_left(const store::LiveTrial& trial);  // of its phase, at least one
std::string left_text(const store::LiveTrial& trial);
std::string rate_text(const store::LiveTrial& trial);   // "851/s"
std::string stage_text(const store::LiveTrial& trial);  // "training"

std::string steps_text(const store::LiveTrial& trial);  // "450/1000"
std::string spent_text(const store::LiveTrial& trial);  // spent running: "12 min"

// How it fares, in a sentence: "running on cpu for 3 min 20 s: training 450 of 1000, 851 steps/s, 42 s left";
// "failed after 2.0 s: energy 'ising': ...".
std::string sentence_about(const store::LiveTrial& trial, double now);

}  // namespace marginalia::top
