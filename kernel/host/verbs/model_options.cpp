#include "kernel/host/verbs/model_options.h"

namespace marginalia {

void add_condition(CLI::App* verb, std::vector<std::string>& conditions) {
    verb->add_option("--condition", conditions,
                     "NAME=VALUE of [energy]: which of the energies of train.family, or another one where the network "
                     "sees couplings; the first if left out. May be given several times")
        ->allow_extra_args(false);
}

void add_model_options(CLI::App* verb, ModelOptions& options, const char* seed_of) {
    add_condition(verb, options.conditions);
    verb->add_option("--step", options.step, "the trial's checkpoint of this step; the newest if left out")
        ->check(whole_number(0));
    verb->add_option("--seed", options.seed, seed_of)->check(whole_number(0));
    verb->add_option("--device", options.device, "cpu or cuda:N");
}

void add_drawing_options(CLI::App* verb, ModelOptions& options) {
    verb->add_option("--passes", options.passes,
                     "draw several sites a pass, far from each other, in so many passes; one site a pass if left out")
        ->check(whole_number(1, 1'000'000));
    verb->add_option("--precision", options.precision,
                     "of the conditionals: float32, bfloat16, or auto, which is that of the training; auto if left out")
        ->check(CLI::IsMember({"auto", "float32", "bfloat16"}));
}

CLI::Option* add_states(CLI::App* verb, std::string& states, const std::string& name) {
    return verb
        ->add_option(name == "--given" ? "--given,--states" : "--states,--given", states,
                     "a state with _ or □ for unknown, or a file of states, one a line as the plugin prints them, or "
                     ".npy; -: standard input")
        ->required();
}

void add_batch(CLI::App* verb, std::int64_t& batch) {
    verb->add_option("--batch", batch, "rows that the network takes at a time; 512 if left out")
        ->check(whole_number(1, 1'000'000));
}

void add_pictures(CLI::App* verb, PictureWish& wish) {
    verb->add_option_function<std::string>(
            "--pictures", [&wish](const std::string& word) { wish = *picture_wish(word); },
            "in a terminal: auto (where it is known to take them), always (by sixels where it is not known) or never "
            "(block characters); auto if left out")
        ->check(CLI::IsMember({"auto", "always", "never"}));
}

void add_output_options(CLI::App* verb, InferenceOptions& options, const char* formats) {
    verb->add_option("-o,--out", options.file,
                     "file to write, its ending the format; standard output if left out or -");
    verb->add_option("--format", options.format, formats);
    add_batch(verb, options.batch);
}

}  // namespace marginalia
