// Hostile checkpoints: each is read as the undamaged one or refused with a sentence, and no code in it ever runs.
//
//   FAULT_ROUNDS=20000 FAULT_SEED=7 ctest --preset release -R checkpoint_fuzz --verbose
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <torch/script.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <sstream>

#include "kernel/worker/model/trial_parts.h"
#include "tests/faults/zip_file.h"
#include "tests/worker/trial_fixture.h"

namespace checkpoint_fuzz {

using namespace marginalia;

namespace {

const char* const owned = "owned.sh";  // what the attacks would write, in a folder of our own

std::uint32_t number_at(std::string_view bytes, std::size_t at, int size) {
    std::uint32_t number = 0;
    for (int i = size; i-- > 0;)
        number = number << 8 | static_cast<unsigned char>(bytes.at(at + static_cast<std::size_t>(i)));
    return number;
}

// The stored records of a small archive of LibTorch's.
Records records_of(const std::string& zip) {
    Records records;
    const auto end64 = number_at(zip, zip.size() - 22 - 20 + 8, 4);
    std::size_t at = number_at(zip, end64 + 48, 4);
    for (auto count = number_at(zip, end64 + 32, 4); count > 0; --count) {
        const auto size = number_at(zip, at + 20, 4), name = number_at(zip, at + 28, 2),
                   extra = number_at(zip, at + 30, 2);
        const std::size_t local = number_at(zip, at + 42, 4);
        const std::size_t data = local + 30 + number_at(zip, local + 26, 2) + number_at(zip, local + 28, 2);
        if (number_at(zip, at + 10, 2) == 0) records.emplace_back(zip.substr(at + 46, name), zip.substr(data, size));
        at += 46 + name + extra + number_at(zip, at + 32, 2);
    }
    return records;
}

// The attack of ../shared/cases/hostile_checkpoint.py: a module that restores itself by code.
std::string self_restoring() {
    torch::jit::Module module("hostile");
    module.register_parameter("w1", at::zeros({2}), false);
    module.register_attribute("training", c10::BoolType::get(), true);
    module.define(std::string("def __getstate__(self):\n    return (self.w1, self.training)\n") +
                  "def __setstate__(self, state: Tuple[Tensor, bool]):\n    torch.save('#!/bin/sh', '" + owned +
                  "')\n" + "    self.w1 = state[0]\n    self.training = state[1]\n");
    std::ostringstream file;
    module.save(file, {{"trial.json", "{}"}, {"state", ""}});
    return std::move(file).str();
}

class Fuzz {
public:
    Fuzz(std::string whole, std::int64_t rounds, std::uint64_t seed, TrialParts parts)
        : whole_(std::move(whole)), records_(records_of(whole_)), rounds_(rounds), random_(seed),
          parts_(std::move(parts)) {
        at::Generator generator = make_generator(at::kCPU, 0, 99);
        x_ = at::randint(3, {8, 16}, generator, at::kLong);
        load_checkpoint(whole_, *parts_.network);
        expected_ = answer();
    }

    long long run() {
        const std::string attack = self_restoring();
        {
            std::istringstream file(attack);
            torch::jit::load(file);
        }
        if (!std::filesystem::remove(owned))
            fault("torch::jit::load did not run the attack, so that it shows nothing", "");
        refused_always("a module that restores itself", attack);
        crafted();
        for (std::int64_t round = 0; round < rounds_; ++round)
            tried(round % 2 == 0 ? flipped() : round % 4 == 1 ? cut() : rewritten());
        std::printf("checkpoint_fuzz: %lld inputs, %lld answered, %lld refused, %lld faults\n", inputs_, answered_,
                    refused_, faults_);
        return faults_;
    }

private:
    std::size_t below(std::size_t count) { return count == 0 ? 0 : random_() % count; }

    at::Tensor answer() const { return parts_.network->log_marginal(x_); }

    void fault(const std::string& what, const std::string& sentence) {
        ++faults_;
        std::printf("FAULT: input %lld: %s %s\n", inputs_, what.c_str(), sentence.c_str());
    }

    // Read as the whole one, or refused.
    bool tried(const std::string& bytes) {
        ++inputs_;
        for (at::Tensor weights : parts_.network->parameters()) weights.fill_(0.25);
        bool read = true;
        try {
            CheckpointState state = load_checkpoint(bytes, *parts_.network);
            load_objective(parts_, state);
            ++answered_;
            if (!at::equal(answer(), expected_)) fault("answered otherwise than the whole one", "");
        } catch (const std::exception& error) {
            read = false;
            ++refused_;
            const std::string sentence = error.what();
            if (!dynamic_cast<const Error*>(&error) || sentence.size() < 20 || sentence.size() > 400 ||
                sentence.find('\n') != std::string::npos)
                fault("is no sentence:", sentence);
        }
        if (std::filesystem::remove(owned)) fault("ran the code of its maker", "");
        return read;
    }
    void refused_always(const std::string& what, const std::string& bytes) {
        if (tried(bytes)) fault("was not refused: " + what, "");
    }

    std::string flipped() {
        std::string bytes = whole_;
        for (auto flips = 1 + below(3); flips > 0; --flips)
            bytes[below(bytes.size())] ^= static_cast<char>(1 << below(8));
        return bytes;
    }
    std::string cut() {
        std::string bytes = whole_;
        if (below(2) == 0) return bytes.substr(0, below(bytes.size()));
        return bytes.erase(below(bytes.size()), 1 + below(100));
    }
    // With true checksums: records lost, swapped, shortened, lengthened, doubled; pickles with any bytes in them.
    std::string rewritten() {
        Records records = records_;
        auto& [name, bytes] = records[below(records.size())];
        auto& other = records[below(records.size())];
        switch (below(7)) {
            case 0: name += "x"; break;
            case 1: std::swap(name, other.first); break;
            case 2: bytes.resize(below(bytes.size())); break;
            case 3: bytes.append(1 + below(64), '\1'); break;
            case 4: records.push_back(other); break;
            default:
                for (auto& [file, pickle] : records)
                    if (file.ends_with("data.pkl"))
                        for (auto changes = 1 + below(4); changes > 0; --changes)
                            pickle[below(pickle.size())] = static_cast<char>(random_());
        }
        return changed_numbers(records) ? whole_ : zip_of(records);
    }
    // Weights that were exchanged with true checksums are other weights, and rightly answered otherwise.
    bool changed_numbers(const Records& records) const {
        for (std::size_t i = 0; i < records_.size(); ++i)
            if (records[i].first.find("/data/") != std::string::npos &&
                (records[i].first != records_[i].first ||
                 (records[i].second != records_[i].second && records[i].second.size() == records_[i].second.size())))
                return true;
        for (std::size_t i = 0; i < records_.size(); ++i)
            if (records_[i].first.ends_with("data.pkl") && records[i].second != records_[i].second &&
                !same_tensors(records[i].second, records_[i].second))
                return true;
        return false;
    }
    // A changed pickle may describe the same network transposed or with one bias for another: only what is refused is
    // tried.
    bool same_tensors(const std::string& pickle, const std::string& before) const {
        Records records = records_;
        for (auto& [name, bytes] : records)
            if (name.ends_with("data.pkl") && bytes == before) bytes = pickle;
        try {
            load_checkpoint(zip_of(records), *parts_.network);
        } catch (const std::exception&) {
            return true;
        }
        return at::equal(answer(), expected_);
    }

    std::string with_pickle(const std::string& pickle) const {
        Records records = records_;
        for (auto& [name, bytes] : records)
            if (name.ends_with("data.pkl")) bytes = pickle;
        return zip_of(records);
    }

    void crafted() {
        const std::string text = "X\4\0\0\0true";
        using namespace std::string_literals;
        for (const char* name :
             {"os\nsystem", "posix\nsystem", "builtins\neval", "torch.jit\nload", "__builtin__\nexec", "torch\nload"}) {
            refused_always("a call", with_pickle("\x80\2c"s + name + "\nX\4\0\0\0true\x85R."s));
            refused_always("a build", with_pickle("\x80\2c"s + name + "\n)\x81}b."s));
        }
        refused_always("an object", with_pickle("\x80\2c__torch__\nx\n)\x81X\4\0\0\0trueb."s));
        refused_always("a deep pickle", with_pickle("\x80\2"s + std::string(1'000'000, '(') + "."));
        refused_always("a deep tuple", with_pickle("\x80\2)"s + std::string(3'000'000, '\x85') + "."));
        std::string doubling =
            "\x80\2c__torch__\nx\n)\x81}b"s;  // each module names the one before it twice: 2^60 places
        for (int depth = 0; depth < 60; ++depth) doubling += "q\1c__torch__\nx\n)\x81}(X\1\0\0\0ah\1X\1\0\0\0bh\1ub"s;
        refused_always("modules that double", with_pickle(doubling + "."));
        refused_always("a module in itself", with_pickle("\x80\2c__torch__\nx\n)\x81q\1}X\1\0\0\0ah\1sb."s));
        refused_always("a large pickle", with_pickle("\x80\2"s + std::string(5 << 20, 'N') + "."));
        recalled();
        for (const std::string& shape :
             {"J\377\377\377\177"s, "\x8a\x08\377\377\377\377\377\377\377\177"s, "J\377\377\377\377"s})
            huge(shape);
    }
    // Something long, kept once and recalled ever so often: a megabyte becomes a terabyte where nobody counts.
    void recalled() {
        using namespace std::string_literals;
        const auto repeated = [](const std::string& what) {
            std::string all;
            for (int i = 0; i < 100'000; ++i) all += what;
            return all;
        };
        const std::string megabyte = "X\0\0\20\0"s + std::string(1 << 20, 'a') + "q\1"s,
                          many = "("s + std::string(1 << 20, 'N');
        const std::string word = "(X\7\0\0\0storageq\2"s, type = "ctorch\nFloatStorage\nq\3"s,
                          place = "X\3\0\0\0cpuq\4"s;
        refused_always("a long name of a record", with_pickle("\x80\2"s + word + type + megabyte + place + "K\1tQ"s +
                                                              repeated("(h\2h\3h\1h\4K\1tQ"s) + "."s));
        refused_always("a dict of many modules",
                       with_pickle("\x80\2}"s + many + "uq\1c__torch__\nx\nq\2"s + repeated("h\2)\x81h\1b"s) + "."s));
        refused_always("a long name", with_pickle("\x80\2}("s + megabyte + "c__torch__\nx\n)\x81}(h\1Nubu."s));
        refused_always("a shape of many dimensions",
                       with_pickle("\x80\2"s + word + type + "X\1\0\0\0"s + "0"s + place + "K\1tQq\1"s + "("s +
                                   std::string(1 << 20, '\x88') + "tq\2ctorch._utils\n_rebuild_tensor_v2\nq\3"s +
                                   repeated("h\3(h\1K\0h\2h\2tR"s) + "."s));
    }
    // The first tensor of the network with such an extent.
    void huge(const std::string& extent) {
        for (const auto& [name, pickle] : records_) {
            if (!name.ends_with("data.pkl")) continue;
            const auto at = pickle.find("K\20K0t");  // (16, 48)
            if (at == std::string::npos) fault("the network has other sizes than this test knows", "");
            else refused_always("a huge tensor", with_pickle(std::string(pickle).replace(at, 2, extent)));
        }
    }

    const std::string whole_;
    const Records records_;
    const std::int64_t rounds_;
    std::mt19937_64 random_;
    TrialParts parts_;
    at::Tensor x_, expected_;
    long long inputs_ = 0, answered_ = 0, refused_ = 0, faults_ = 0;
};

std::int64_t setting(const char* name, std::int64_t otherwise) {
    const char* text = std::getenv(name);
    return text ? std::atoll(text) : otherwise;
}

}  // namespace

TEST_CASE("hostile checkpoints") {
    const auto folder = std::filesystem::temp_directory_path() / ("checkpoint_fuzz." + std::to_string(::getpid()));
    const auto before = std::filesystem::current_path();
    std::filesystem::create_directories(folder);
    std::filesystem::current_path(folder);
    const TrialRequest request = request_of(
        "name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 4\ncolumns = 4\n[network]\nplugin = \"mlp\"\nhidden = "
        "16\n[sampler]\n"
        "plugin = \"block-gibbs\"\n[objective]\nplugin = \"mam-balance\"\n[train]\nsteps = 3\n[evaluation]\nsamples = "
        "0\n"
        "nll_samples = 0\nmarginal_states = 0\n");
    MemoryRecorder recorder;
    run_trial(request, shipped_plugins(), recorder);
    const at::NoGradGuard no_grad;
    // What a hostile archive may make the reader ask for in all.
    rlimit limit{};
    ::getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, rlim_t{16} << 30);
    ::setrlimit(RLIMIT_AS, &limit);
    const long long faults =
        Fuzz(recorder.checkpoints.back().second, setting("FAULT_ROUNDS", 2000),
             static_cast<std::uint64_t>(setting("FAULT_SEED", 1)), build_trial(request, shipped_plugins()))
            .run();
    std::filesystem::current_path(before);
    std::filesystem::remove_all(folder);
    CHECK(faults == 0);
}

}  // namespace checkpoint_fuzz
