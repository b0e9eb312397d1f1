// What a host writes of its trials while they run: how far they are, and what they print.
#include "store/live.h"

#include <algorithm>

#include "store/requests.h"
#include "tests/store/store_testing.h"

using namespace marginalia::store;

namespace {

struct LiveTrial {
    LiveTrial() : store(Store::open(folder / "a.db")) {
        store.enqueue(plan("one", 1));
        REQUIRE(store.claim(1, this_process(), "cpu", 1));
    }
    void print(const std::string& bytes, std::int64_t skipped = 0, std::int64_t attempt = 0) {
        add_log(store, 1, {bytes, skipped, attempt});
    }
    std::int64_t kept() { return static_cast<std::int64_t>(number_of(store, "SELECT sum(length(data)) FROM log")); }

    TemporaryFolder folder;
    Store store;
};

}  // namespace

TEST_CASE("progress is there while a trial runs, and a heartbeat with it") {
    LiveTrial live;
    write_progress(live.store, {{1, {"training", 5, 20, 2.5}}, {2, {"training", 1, 1, 1}}});
    const auto all = progress_of_all(live.store);
    REQUIRE(all.size() == 1);
    CHECK(all.at(1).phase == "training");
    CHECK(all.at(1).done == 5);
    CHECK(all.at(1).rate == 2.5);
    CHECK(all.at(1).heartbeat > 1.7e9);
    live.store.set_status(1, Status::preempted);
    CHECK(progress_of_all(live.store).empty());
    write_progress(live.store, {{1, {"training", 6, 20, 2.5}}});  // it came late
    CHECK(number_of(live.store, "SELECT count(*) FROM progress") == 0);
}

TEST_CASE("a log is what was printed, byte for byte") {
    LiveTrial live;
    const std::string odd("a\0b\xff\n", 5);
    live.print("first ");
    live.print("line\n" + odd);
    const LogText log = read_log(live.store, 1);
    CHECK(log.text == "first line\n" + odd);
    CHECK(log.end == 16);
    live.print("more\n");
    CHECK(read_log(live.store, 1, log.end).text == "more\n");
    CHECK(read_log(live.store, 1, 2).text.starts_with("rst line\n"));
    CHECK(number_of(live.store, "SELECT count(*) FROM log") == 1);
    CHECK(read_log(live.store, 2).text.empty());
}

TEST_CASE("of a long log the beginning and the newest part are kept") {
    LiveTrial live;
    for (int part = 0; part < 600; ++part) {
        std::string lines;
        for (int i = 0; i < 100; ++i) lines += fmt::format("line {}\n", 100 * part + i);
        live.print(lines);
        if (part % 10 == 0) CHECK(live.kept() <= most_log_bytes);
    }
    const LogText log = read_log(live.store, 1);
    CHECK(live.kept() <= most_log_bytes);
    CHECK(live.kept() > most_log_bytes - (16 << 10));
    CHECK(log.text.starts_with("line 0\n"));
    CHECK(log.text.ends_with("line 59999\n"));
    const auto gap = log.text.find("bytes were left out]\n");
    REQUIRE(gap != std::string::npos);
    CHECK(gap > first_log_bytes);
    CHECK(log.text.find(fmt::format("[{} bytes were left out]\n", log.end - live.kept())) != std::string::npos);
}

TEST_CASE("what the host had no room for is counted, and an attempt has a line of its own") {
    LiveTrial live;
    live.print("one");
    live.print("three\n", 1000);
    live.print("again\n", 0, 2);
    live.print("no end", 5, 3);
    CHECK(read_log(live.store, 1).text ==
          "one\n[1000 bytes were left out]\nthree\n[attempt 2]\nagain\n[attempt 3]\n[5 bytes were left out]\nno end");
}

TEST_CASE("the last lines of a log") {
    CHECK(last_lines("a\nb\nc\n", 2) == "b\nc\n");
    CHECK(last_lines("a\nb\nc", 2) == "b\nc");
    CHECK(last_lines("a\nb\n", 5) == "a\nb\n");
    CHECK(last_lines("a\nb\n", 0).empty());
    CHECK(last_lines("", 3).empty());
    LiveTrial live;
    live.print(std::string(20'000, 'x') + "\nthe end\n");
    CHECK(log_tail(live.store, 1, 1) == "the end\n");
    CHECK(log_tail(live.store, 1, 5).size() == most_log_tail_bytes);
}
