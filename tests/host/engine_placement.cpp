// Trials of random sizes on devices that lack memory and fail, by the scheduler's rules and a clock of our own.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <queue>
#include <random>

#include "kernel/host/run/placement.h"

using namespace marginalia;

namespace {

constexpr std::int64_t gigabyte = 1'000'000'000;

TrialConfig asking(const std::string& memory, double fraction = 0, int cores = 0) {
    TrialConfig config;
    config.resources = {memory, fraction, cores};
    return config;
}

std::vector<Place> places(int count, std::int64_t memory, int slots, const std::string& kind = "fake:") {
    std::vector<Place> list;
    for (int i = 0; i < count; ++i) list.push_back({{kind + std::to_string(i)}, memory, slots});
    return list;
}

std::deque<Job> jobs_of(const std::vector<TrialConfig>& configs) {
    std::deque<Job> jobs;
    for (const TrialConfig& config : configs)
        jobs.push_back({.trial = static_cast<store::TrialId>(jobs.size() + 1), .config = &config});
    return jobs;
}

// What a trial of the simulation does.
struct Fate {
    double seconds = 1;
    std::int64_t needs = 0;   // memory; it runs out of it half-way where it was promised less
    int device_failures = 0;  // that are still to come under it, half-way
    bool loses_device = false;
};

// Every trial in every slot is an event at the time of its end.
class Simulation {
public:
    Simulation(int devices, int slots, std::int64_t memory, std::vector<TrialConfig> configs, std::vector<Fate> fates)
        : configs_(std::move(configs)), fates_(std::move(fates)), queue_(jobs_of(configs_)), memory_(memory),
          placement_(places(devices, memory, slots), 1 << 20, false) {
        for (int slot = 0; slot < slots; ++slot)
            for (int device = 0; device < devices; ++device) stations_.push_back({static_cast<std::size_t>(device)});
        placement_.note(queue_);
    }

    void run() {
        for (;;) {
            assign();
            count_slots();
            if (events_.empty()) return;
            const auto [time, at] = events_.top();
            events_.pop();
            slot_seconds_ += waiting_ ? slots_alive_ * (time - now_) : 0;
            busy_seconds_ += waiting_ ? slots_busy_ * (time - now_) : 0;
            now_ = time;
            end(stations_[at]);
        }
    }

    double busy_share() const { return busy_seconds_ / slot_seconds_; }
    std::map<std::string, int> endings;
    int out_of_memory = 0, device_failures = 0;
    std::int64_t most_promised = 0;
    std::size_t left() const { return queue_.size(); }

private:
    struct Seat {
        std::size_t device;
        std::optional<Job> job;
        Ask ask;
    };

    void assign() {
        for (bool placed = true; placed;) {
            placed = false;
            std::vector<Seat*> idle;
            for (Seat& seat : stations_)
                if (!seat.job && !placement_.pool().retired(seat.device)) idle.push_back(&seat);
            std::ranges::stable_sort(idle, {}, [&](Seat* seat) { return placement_.pool().trials(seat->device); });
            for (Seat* seat : idle) {
                if (queue_.empty()) return;
                const auto next = placement_.next_for(queue_, seat->device, 1, 0).job;
                if (next == queue_.end()) continue;
                start(*seat, next);
                placed = true;
                break;
            }
        }
    }

    void start(Seat& seat, std::deque<Job>::iterator next) {
        if (!placement_.has_a_device(*next)) {
            ++endings["no device"];
            queue_.erase(next);
            return;
        }
        seat.job = std::move(*next);
        queue_.erase(next);
        seat.ask = placement_.ask_of(*seat.job, seat.device, 1);
        placement_.take(*seat.job, seat.device, seat.ask);
        most_promised = std::max(most_promised, placement_.pool().promised(seat.device));
        const Fate& fate = fates_[static_cast<std::size_t>(seat.job->trial - 1)];
        const bool whole = fate.needs <= seat.ask.memory && fate.device_failures == 0;
        events_.emplace(now_ + fate.seconds * (whole ? 1 : 0.5), &seat - stations_.data());
    }

    void end(Seat& seat) {
        Job job = std::move(*seat.job);
        Fate& fate = fates_[static_cast<std::size_t>(job.trial - 1)];
        placement_.pool().give_back(seat.device, seat.ask);
        seat.job.reset();
        job.begun = true;
        if (fate.needs > seat.ask.memory) {
            ++out_of_memory;
            if (placement_.give_more_memory(job, seat.device, seat.ask)) queue_.push_front(std::move(job));
            else ++endings["out of memory"];
        } else if (fate.device_failures > 0) {
            --fate.device_failures;
            ++device_failures;
            const auto blame = placement_.device_failed(job, seat.device, DeviceFault::context, fate.loses_device);
            if (blame == Placement::Blame::device) queue_.push_front(std::move(job));
            else ++endings["its own fault"];
        } else {
            placement_.did_well(seat.device);
            ++endings["done"];
        }
    }

    void count_slots() {
        waiting_ = !queue_.empty();
        slots_alive_ = slots_busy_ = 0;
        for (const Seat& seat : stations_) {
            slots_alive_ += !placement_.pool().retired(seat.device) || seat.job;
            slots_busy_ += seat.job.has_value();
        }
    }

    const std::vector<TrialConfig> configs_;
    std::vector<Fate> fates_;
    std::deque<Job> queue_;
    const std::int64_t memory_;
    Placement placement_;
    std::vector<Seat> stations_;
    using Event = std::pair<double, std::size_t>;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    double now_ = 0, busy_seconds_ = 0, slot_seconds_ = 0;
    bool waiting_ = true;
    int slots_alive_ = 0, slots_busy_ = 0;
};

// Trials that ask for 1 to 14 of a device's 16 GB; one in `every` needs twice what it asks for, and under one in
// `every` its device fails.
Simulation random_sizes(int trials, int every, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<TrialConfig> configs;
    std::vector<Fate> fates;
    for (int i = 0; i < trials; ++i) {
        const bool is_short = i % every == every / 2;  // whose twice needs no whole device, where the other slot idles
        const auto size = static_cast<std::int64_t>(1 + random() % (is_short ? 7 : 14));
        configs.push_back(asking(std::to_string(size) + "GB"));
        Fate fate{.seconds = 1 + 1e-3 * static_cast<double>(random() % 1000), .needs = size * gigabyte};
        if (is_short) fate.needs = 2 * size * gigabyte;
        if (i % every == 0) fate.device_failures = 1;
        fate.loses_device = i == every;  // one of them is gone for good
        fates.push_back(fate);
    }
    return Simulation(8, 2, 16 * gigabyte, std::move(configs), std::move(fates));
}

}  // namespace

TEST_CASE("200 trials of random sizes keep 8 devices of two slots busy, whatever fails") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Simulation simulation = random_sizes(200, 10, seed);
        simulation.run();
        CAPTURE(seed);
        CHECK(simulation.endings["done"] == 200);
        CHECK(simulation.left() == 0);
        CHECK(simulation.out_of_memory == 20);
        CHECK(simulation.device_failures == 20);
        CHECK(simulation.most_promised <= 16 * gigabyte);
        CHECK(simulation.busy_share() > 0.95);
    }
}

TEST_CASE("10,000 trials are placed within seconds") {
    const auto start = std::chrono::steady_clock::now();
    Simulation simulation = random_sizes(10000, 500, 7);
    simulation.run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    MESSAGE("busy share " << simulation.busy_share() << ", in " << took.count() << " s");
    CHECK(simulation.endings["done"] == 10000);
    CHECK(simulation.most_promised <= 16 * gigabyte);
    CHECK(simulation.busy_share() > 0.95);
    CHECK(took.count() < 60);
}

TEST_CASE("a trial that needs a whole device is not passed over for ever") {
    // Small trials keep coming, as they are what there is most of; the large one is begun before the last of them.
    std::vector<TrialConfig> configs(200, asking("4GB"));
    std::vector<Fate> fates(200, Fate{1, 4 * gigabyte});
    configs[0] = asking("16GB");
    Placement placement(places(1, 16 * gigabyte, 4), 100, false);
    std::deque<Job> queue = jobs_of(configs);
    placement.note(queue);
    Job first = queue.front();
    first.begun = true;
    queue.pop_front();
    std::deque<Ask> running;
    int small = 0;
    const auto start_one = [&] {
        const auto next = placement.next_for(queue, 0, 1, 0).job;
        if (next == queue.end()) return false;
        running.push_back(placement.ask_of(*next, 0, 1));
        placement.take(*next, 0, running.back());
        const bool large = next->trial == 1;
        small += !large;
        queue.erase(next);
        return !large;
    };
    while (start_one()) {
    }
    queue.push_front(first);
    bool ran = false;
    for (int ends = 0; ends < 200 && !ran; ++ends) {
        placement.pool().give_back(0, running.front());
        running.pop_front();
        while (start_one()) {
        }
        ran = std::ranges::any_of(running, [](const Ask& ask) { return ask.memory == 16 * gigabyte; });
    }
    CHECK(ran);
    CHECK(small < 50);
}

TEST_CASE("memory, fractions and cores are each a bound") {
    const TrialConfig third = asking("", 1.0 / 3), four_cores = asking("1GB", 0, 4), nothing = asking("");
    Placement placement(places(1, 12 * gigabyte, 3), 8, false);
    std::deque<Job> jobs = {{.config = &third}, {.config = &four_cores}, {.config = &nothing}};
    placement.note(jobs);
    DevicePool& pool = placement.pool();
    const Ask a = placement.ask_of(jobs[0], 0, 1), b = placement.ask_of(jobs[1], 0, 1),
              c = placement.ask_of(jobs[2], 0, 1);
    CHECK(a.memory == 4 * gigabyte);
    CHECK(c.memory == 4 * gigabyte);  // its slot's share
    CHECK(b.cores == 4);
    for (int i = 0; i < 3; ++i) {
        CHECK(pool.has_room(0, a));
        pool.take(0, a);
    }
    CHECK_FALSE(pool.has_room(0, a));
    CHECK_FALSE(pool.has_room(0, {.memory = 1}));
    pool.give_back(0, a);
    CHECK(pool.has_room(0, b));
    CHECK_FALSE(pool.has_room(0, {.memory = 5 * gigabyte}));
    CHECK_FALSE(pool.has_room(0, {.cores = 7}));
    CHECK(pool.could_hold(0, {.memory = 12 * gigabyte}));
    CHECK_FALSE(pool.could_hold(0, {.memory = 13 * gigabyte}));
    CHECK_FALSE(pool.has_room(0, {.alone = true}));
}

TEST_CASE("memory that an ended trial still has is waited for, but for what its own worker will use again") {
    Placement placement(places(1, 0, 2), 8, false);
    DevicePool& pool = placement.pool();
    pool.observe(0, {10, 9}, true);  // somebody else has 1
    const Ask four{.memory = 4, .measured = true}, six{.memory = 6, .measured = true};
    CHECK(pool.memory(0) == 10);
    CHECK(pool.is_free(0, four, 0));
    pool.take(0, four);
    CHECK_FALSE(pool.is_free(0, six, 0));  // 4 are promised though nothing has been taken yet
    pool.observe(0, {10, 5}, false);
    CHECK(pool.is_free(0, {.memory = 5, .measured = true}, 0));
    pool.give_back(0, four);
    CHECK_FALSE(pool.is_free(0, six, 0));  // its process has not let go
    CHECK(pool.is_free(0, six, 4));        // and will use it again
    CHECK(pool.is_free(0, {.memory = 6}, 0));
    pool.observe(0, {10, 9}, false);
    CHECK(pool.is_free(0, six, 0));
}

TEST_CASE("a device under which two trials fail in a row is given up, and a trial that fails on two is at fault") {
    Placement placement(places(3, 0, 1), 8, false);
    const TrialConfig config = asking("");
    Job a{.trial = 1, .config = &config}, b{.trial = 2, .config = &config}, c{.trial = 3, .config = &config};
    using Blame = Placement::Blame;
    CHECK(placement.device_failed(a, 0, DeviceFault::context, false) == Blame::device);
    placement.did_well(0);
    CHECK(placement.device_failed(b, 0, DeviceFault::context, false) == Blame::device);
    CHECK_FALSE(placement.pool().retired(0));
    std::deque<Job> queue = {b};
    CHECK(placement.next_for(queue, 0, 1, 0).job == queue.end());  // elsewhere
    CHECK(placement.next_for(queue, 1, 1, 0).job == queue.begin());
    CHECK(placement.device_failed(b, 1, DeviceFault::context, false) == Blame::job);
    CHECK(placement.device_failed(c, 0, DeviceFault::context, false) == Blame::device);
    CHECK_FALSE(placement.pool().retired(0));  // b's strike is b's fault
    Job d{.trial = 4, .config = &config};
    CHECK(placement.device_failed(d, 0, DeviceFault::context, false) == Blame::device);
    CHECK(placement.pool().retired(0));
    CHECK(placement.device_failed(a, 1, DeviceFault::lost, true) == Blame::device);
    CHECK(placement.pool().retired(1));
}

TEST_CASE("a trial that only says of devices that they are lost takes none of them away") {
    Placement placement(places(2, 0, 1), 8, false);
    const TrialConfig config = asking("");
    using Blame = Placement::Blame;
    Job liar{.trial = 1, .config = &config}, honest{.trial = 2, .config = &config};
    CHECK(placement.device_failed(liar, 0, DeviceFault::lost, false) == Blame::device);
    CHECK(placement.pool().retired(0));
    CHECK(placement.device_failed(liar, 1, DeviceFault::lost, false) == Blame::job);
    CHECK_FALSE(placement.pool().retired(0));
    CHECK_FALSE(placement.pool().retired(1));
    // The driver's word stands, whoever was there.
    CHECK(placement.device_failed(honest, 0, DeviceFault::context, true) == Blame::device);
    CHECK(placement.pool().retired(0));
    // The last one is not given up on a word.
    Job another{.trial = 3, .config = &config};
    CHECK(placement.device_failed(another, 1, DeviceFault::lost, false) == Blame::device);
    CHECK_FALSE(placement.pool().retired(1));
    CHECK(placement.device_failed(another, 1, DeviceFault::lost, false) == Blame::job);
    CHECK_FALSE(placement.pool().all_retired());
}

TEST_CASE("a trial out of memory gets twice as much until it has had all there is") {
    const TrialConfig config = asking("5GB"), silent = asking("");
    Placement placement(places(2, 16 * gigabyte, 2), 8, false);
    std::deque<Job> jobs = {{.config = &config}, {.config = &silent}};
    placement.note(jobs);
    Job& job = jobs[0];
    CHECK(placement.give_more_memory(job, 0, placement.ask_of(job, 0, 1)));
    CHECK(job.memory == 10 * gigabyte);
    CHECK(placement.give_more_memory(job, 0, placement.ask_of(job, 0, 1)));
    CHECK(job.memory == 16 * gigabyte);
    CHECK(placement.ask_of(job, 0, 1).alone);
    CHECK_FALSE(placement.give_more_memory(job, 0, placement.ask_of(job, 0, 1)));
    CHECK(placement.give_more_memory(jobs[1], 0, placement.ask_of(jobs[1], 0, 1)));
    CHECK(jobs[1].memory == 16 * gigabyte);
    // Where nobody knows the memory, without neighbours, if it had any.
    Placement unknown(places(1, 0, 2), 8, false);
    Job other{.trial = 1, .config = &silent};
    unknown.pool().take(0, {});
    CHECK_FALSE(unknown.give_more_memory(other, 0, {}));
    unknown.pool().take(0, {});
    CHECK(unknown.give_more_memory(other, 0, {}));
    CHECK(other.alone);
    Placement cpu({{{"cpu"}, 16 * gigabyte, 4}}, 8, false);
    CHECK_FALSE(cpu.give_more_memory(other, 0, {}));
}
