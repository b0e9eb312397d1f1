// Frames, the recorder's order and its cost.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "kernel/worker/pipe_recorder.h"

using namespace marginalia;

namespace {

struct Pipe {
    int ends[2];
    Pipe() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
    ~Pipe() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
};

// Everything that arrives until `count` frames are there.
std::vector<std::pair<Record, std::string>> frames_from(int descriptor, std::size_t count) {
    std::vector<std::pair<Record, std::string>> frames;
    FrameReader reader;
    FrameReader::Frame frame;
    while (frames.size() < count && reader.read_from(descriptor) > 0)
        while (reader.next(frame)) frames.emplace_back(static_cast<Record>(frame.type), frame.payload);
    return frames;
}

}  // namespace

TEST_CASE("LibTorch's words on memory are known, and its stack is left out") {
    const std::string text =
        "network 'mlp': DefaultCPUAllocator: can't allocate memory: you tried to allocate 576000000 bytes.\nframe #0: "
        "f";
    CHECK(without_stack(text) ==
          "network 'mlp': DefaultCPUAllocator: can't allocate memory: you tried to allocate 576000000 bytes.");
    CHECK(without_stack("a\nException raised from b\nframe #0: c") == "a");
    CHECK(without_stack("a\nb") == "a\nb");
    for (const char* words :
         {"CUDA out of memory. Tried", "DefaultCPUAllocator: not enough memory: you", "Cannot allocate memory",
          "energy 'x': std::bad_alloc", "libtorch_cpu.so: failed to map segment from shared object"})
        CHECK(says_out_of_memory(words));
    CHECK(!says_out_of_memory("the loss of step 3 is not a finite number"));
    CHECK(says_out_of_memory(text));
}

TEST_CASE("a trial request survives the pipe, bytes and all") {
    TrialRequest request;
    request.config = {{"energy", {{"plugin", "ising"}, {"coupling", 0.2}}}};
    request.seed = 7;
    request.device = "cuda:1";
    request.threads = 3;
    request.checkpoint_seconds = 0.5;
    request.checkpoint = std::string("a\0b", 3);
    request.checkpoint_step = 12;
    request.start_network = "weights";
    const TrialRequest copy = decode_trial(encode_trial(request));
    CHECK(copy.config == request.config);
    CHECK(copy.seed == 7);
    CHECK(copy.device == "cuda:1");
    CHECK(copy.threads == 3);
    CHECK(copy.checkpoint_seconds == 0.5);
    CHECK(copy.checkpoint == request.checkpoint);
    CHECK(copy.checkpoint_step == 12);
    CHECK(copy.start_network == "weights");
}

TEST_CASE("a cut request is refused with a sentence") {
    CHECK_THROWS_WITH(decode_trial("ab"), "a message with 2 bytes where 4 more are due");
}

TEST_CASE("frames cut at any byte come out whole") {
    std::string bytes;
    for (const std::string payload : {"", "x", "hello"}) bytes += frame_header(9, payload.size()) + payload;
    Pipe pipe;
    FrameReader reader;
    FrameReader::Frame frame;
    std::vector<std::string> got;
    for (const char byte : bytes) {
        REQUIRE(::write(pipe.ends[1], &byte, 1) == 1);
        REQUIRE(reader.read_from(pipe.ends[0]) == 1);
        while (reader.next(frame)) got.emplace_back(frame.payload);
    }
    CHECK(got == std::vector<std::string>{"", "x", "hello"});
}

TEST_CASE("records keep their order: points before a checkpoint leave before it") {
    Pipe pipe;
    PipeRecorder recorder(pipe.ends[1]);
    recorder.metric("loss", 1, 0.5);
    recorder.metric("kl", 1, 0.25);
    recorder.checkpoint(1, "weights");
    recorder.metric("loss", 2, 0.125);
    recorder.post(Record::done, {});
    const auto frames = frames_from(pipe.ends[0], 6);
    REQUIRE(frames.size() == 6);
    const Record expected[] = {Record::name,       Record::name,    Record::metrics,
                               Record::checkpoint, Record::metrics, Record::done};
    for (std::size_t i = 0; i < 6; ++i) CHECK(frames[i].first == expected[i]);
    std::string_view points = frames[2].second;
    CHECK(points.size() == 2 * sizeof(MetricEntry));
    const auto first = take<MetricEntry>(points);
    CHECK(first.step == 1);
    CHECK(first.value == 0.5);
    std::string_view checkpoint = frames[3].second;
    CHECK(take<std::int64_t>(checkpoint) == 1);
    CHECK(checkpoint == "weights");
}

TEST_CASE("a request to stop is seen, and cleared for the next trial") {
    Pipe pipe;
    PipeRecorder recorder(pipe.ends[1]);
    CHECK_FALSE(recorder.stop_requested());
    recorder.request_stop();
    CHECK(recorder.stop_requested());
    recorder.clear_stop();
    CHECK_FALSE(recorder.stop_requested());
}

TEST_CASE("a full pipe does not stop the trial") {
    Pipe pipe;
    PipeRecorder recorder(pipe.ends[1]);
    constexpr int count = 200'000;  // 6 MB, far more than a pipe holds
    for (int step = 0; step < count; ++step) recorder.metric("loss", step, step);
    std::size_t points = 0;
    std::thread reader([&] {
        FrameReader frames;
        FrameReader::Frame frame;
        while (points < count && frames.read_from(pipe.ends[0]) > 0)
            while (frames.next(frame))
                if (static_cast<Record>(frame.type) == Record::metrics)
                    points += frame.payload.size() / sizeof(MetricEntry);
    });
    reader.join();
    CHECK(points == count);
}
