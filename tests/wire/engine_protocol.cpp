// Frames, the recorder's order and its cost.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <marginalia/error.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

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
std::vector<std::pair<RecordType, std::string>> frames_from(int descriptor, std::size_t count) {
    std::vector<std::pair<RecordType, std::string>> frames;
    FrameReader reader;
    FrameReader::Frame frame;
    while (frames.size() < count && reader.read_from(descriptor) > 0)
        while (reader.next(frame)) frames.emplace_back(static_cast<RecordType>(frame.type), frame.payload);
    return frames;
}

}  // namespace

TEST_CASE("LibTorch's words on memory are known, and its stack is left out") {
    const std::string text =
        "network 'mlp': DefaultCPUAllocator: can't allocate memory: you tried to allocate 576000000 bytes.\nframe #0: "
        "f";
    CHECK(sentence_of(Error(text)) ==
          "network 'mlp': DefaultCPUAllocator: can't allocate memory: you tried to allocate 576000000 bytes.");
    CHECK(sentence_of(Error("a\nException raised from b\nframe #0: c")) == "a");
    CHECK(sentence_of(Error("a\nb")) == "a\nb");
    const nlohmann::json config = {{"energy", 3}};
    try {
        config.at("dataset");
    } catch (const std::exception& error) {
        CHECK(sentence_of(error) ==
              "the trial's settings are not what this version expects: key 'dataset' not found; run its file again");
    }
    for (const char* words :
         {"CUDA out of memory. Tried", "DefaultCPUAllocator: not enough memory: you", "Cannot allocate memory",
          "energy 'x': std::bad_alloc", "libtorch_cpu.so: failed to map segment from shared object"})
        CHECK(says_out_of_memory(words));
    CHECK(!says_out_of_memory("the loss of step 3 is not a finite number"));
    CHECK(says_out_of_memory(text));
}

TEST_CASE("a trial request survives the pipe, bytes and all") {
    TrialRequest request;
    request.settings.plugins["energy"] = {"ising", {{"coupling", 0.2}}};
    request.settings.train.schedule = "cosine";
    request.seed = 7;
    request.device = "cuda:1";
    request.threads = 3;
    request.checkpoint_seconds = 0.5;
    request.checkpoint = std::string("a\0b", 3);
    request.evaluate = true;
    request.start_from = "weights";
    TrialReceiver receiver(encode_trial_head(request, {3, 7}) + request.checkpoint + request.start_from);
    REQUIRE(receiver.is_whole());
    const TrialRequest copy = receiver.release();
    CHECK(nlohmann::json(copy.settings) == nlohmann::json(request.settings));
    CHECK(copy.seed == 7);
    CHECK(copy.device == "cuda:1");
    CHECK(copy.threads == 3);
    CHECK(copy.checkpoint_seconds == 0.5);
    CHECK(copy.checkpoint == request.checkpoint);
    CHECK(copy.evaluate);
    CHECK(copy.start_from == "weights");
}

TEST_CASE("a cut request is refused with a sentence") {
    CHECK_THROWS_WITH(TrialReceiver("ab"), "a message with 2 bytes where 4 more are due");
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
    recorder.post(RecordType::done, {});
    // Pieces are no checkpoint before its end: they may come before the points.
    const auto frames = frames_from(pipe.ends[0], 7);
    REQUIRE(frames.size() == 7);
    const RecordType expected[] = {RecordType::name,    RecordType::name,       RecordType::checkpoint_piece,
                                   RecordType::metrics, RecordType::checkpoint, RecordType::metrics,
                                   RecordType::done};
    for (std::size_t i = 0; i < 7; ++i) CHECK(frames[i].first == expected[i]);
    std::string_view points = frames[3].second;
    CHECK(points.size() == 2 * sizeof(MetricEntry));
    const auto first = take<MetricEntry>(points);
    CHECK(first.step == 1);
    CHECK(first.value == 0.5);
    std::string_view piece = frames[2].second;
    CHECK(take<std::uint32_t>(piece) == 0);
    CHECK(piece == "weights");
    std::string_view checkpoint = frames[4].second;
    CHECK(take<std::int64_t>(checkpoint) == 1);
    CHECK(take<std::uint64_t>(checkpoint) == 7);
}

TEST_CASE("a checkpoint larger than what may wait here goes in pieces, none of which is kept") {
    Pipe pipe;
    PipeRecorder recorder(pipe.ends[1]);
    constexpr std::size_t part = 1 << 20, parts = 200;
    std::size_t ahead = 0;
    std::atomic<std::size_t> made = 0;
    std::thread trial([&] {
        recorder.stream_checkpoint(3, [&](const ByteSink& sink) {
            for (std::size_t i = 0; i < parts; ++i) sink(std::string(part, static_cast<char>(i))), ++made;
        });
    });
    FrameReader reader(most_record_bytes);
    FrameReader::Frame frame;
    std::size_t bytes = 0, wrong = 0;
    std::uint32_t pieces = 0;
    std::uint64_t total = 0;
    while (total == 0 && reader.read_from(pipe.ends[0]) > 0)
        while (reader.next(frame)) {
            std::string_view payload = frame.payload;
            if (static_cast<RecordType>(frame.type) == RecordType::checkpoint) {
                CHECK(take<std::int64_t>(payload) == 3);
                total = take<std::uint64_t>(payload);
                break;
            }
            CHECK(take<std::uint32_t>(payload) == pieces++);
            for (std::size_t i = 0; i < payload.size(); i += part / 4)
                wrong += payload[i] != static_cast<char>((bytes + i) / part);
            bytes += payload.size();
            ahead = std::max(ahead, made * part - std::min(made * part, bytes));
        }
    trial.join();
    CHECK(total == part * parts);
    CHECK(bytes == total);
    CHECK(pieces == part * parts / checkpoint_piece_bytes);
    CHECK(wrong == 0);
    CHECK(ahead <= PipeRecorder::most_waiting_bytes + 3 * checkpoint_piece_bytes);
}

TEST_CASE("a checkpoint whose writing throws leaves none") {
    Pipe pipe;
    PipeRecorder recorder(pipe.ends[1]);
    CHECK_THROWS_WITH(recorder.stream_checkpoint(1,
                                                 [](const ByteSink& sink) {
                                                     sink(std::string(checkpoint_piece_bytes, 'x'));
                                                     throw std::runtime_error("no memory");
                                                 }),
                      "no memory");
    recorder.checkpoint(2, "");
    const auto frames = frames_from(pipe.ends[0], 3);
    REQUIRE(frames.size() == 3);
    CHECK(frames[0].first == RecordType::checkpoint_piece);
    CHECK(frames[1].first == RecordType::checkpoint_piece);
    CHECK(frames[1].second == std::string(4, '\0'));  // number 0 again: the one before counts no more
    CHECK(frames[2].first == RecordType::checkpoint);
}

TEST_CASE("a request's archives come in pieces cut anywhere") {
    const TrialRequest request;
    const std::string head = encode_trial_head(request, {5, 3});
    for (std::size_t cut = 0; cut <= 8; ++cut) {
        TrialReceiver receiver(head);
        CHECK_FALSE(receiver.is_whole());
        receiver.add(std::string_view("01234abc").substr(0, cut));
        receiver.add(std::string_view("01234abc").substr(cut));
        REQUIRE(receiver.is_whole());
        const TrialRequest whole = receiver.release();
        CHECK(whole.checkpoint == "01234");
        CHECK(whole.start_from == "abc");
    }
    TrialReceiver receiver(head);
    CHECK_THROWS_WITH(receiver.add("01234abcd"), "a trial's archives have more bytes than were announced");
    CHECK_FALSE(TrialReceiver(head + "01234ab").is_whole());
    CHECK_THROWS_WITH(TrialReceiver(std::string_view(head).substr(0, head.size() - 1)),
                      "a trial whose head is cut off");
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
                if (static_cast<RecordType>(frame.type) == RecordType::metrics)
                    points += frame.payload.size() / sizeof(MetricEntry);
    });
    reader.join();
    CHECK(points == count);
}
