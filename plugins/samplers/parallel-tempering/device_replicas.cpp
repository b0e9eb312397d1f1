#include "device_replicas.h"

#include <ATen/ATen.h>

#include <marginalia/host.h>

#include "replicas.h"

namespace parallel_tempering {

DeviceReplicas::DeviceReplicas(const marginalia::DeviceEnergy& energy, std::int64_t ensembles,
                               std::vector<double> betas, chains::Start start, at::Generator& generator)
    : betas_(std::move(betas)), levels_(static_cast<std::int64_t>(betas_.size())), ensembles_(ensembles),
      chains_(energy, ensembles * levels_, start, generator) {
    const auto whole = at::TensorOptions(at::kLong).device(energy.device());
    beta_of_level_ = marginalia::to_device(at::tensor(betas_, at::kDouble), energy.device());
    replica_at_ = at::arange(levels_, whole).repeat({ensembles_, 1});
    journey_ = at::full({ensembles_, levels_}, static_cast<std::int64_t>(Journey::nowhere), whole);
    accepted_ = at::zeros({levels_ - 1}, whole);
    trips_ = at::zeros({1}, whole);
}

void DeviceReplicas::advance(std::int64_t sweeps, at::Generator& generator) {
    for (std::int64_t i = 0; i < sweeps; ++i, ++sweeps_) {
        chains_.sweep(levels_ == 1 ? at::Tensor() : beta_by_replica(), generator);
        if (levels_ == 1) continue;
        swap(sweeps_ % 2, generator);
        note_ends();
    }
}

at::Tensor DeviceReplicas::beta_by_replica() const {
    const at::Tensor by_level = beta_of_level_.expand({ensembles_, levels_});
    return at::empty({ensembles_, levels_}, by_level.options()).scatter_(1, replica_at_, by_level).flatten();
}

void DeviceReplicas::swap(std::int64_t first_level, at::Generator& generator) {
    const std::int64_t end = first_level + (levels_ - first_level) / 2 * 2;
    if (end == first_level) return;
    const auto colder = [&](const at::Tensor& levels) { return levels.slice(-1, first_level, end, 2); };
    const auto hotter = [&](const at::Tensor& levels) { return levels.slice(-1, first_level + 1, end, 2); };
    const at::Tensor log_f =
        chains_.energy().log_densities(chains_.states()).view({ensembles_, levels_}).gather(1, replica_at_);
    const at::Tensor gain = (colder(beta_of_level_) - hotter(beta_of_level_)) * (hotter(log_f) - colder(log_f));
    const at::Tensor accepted = at::rand(gain.sizes(), generator, gain.options()) < gain.exp();
    const at::Tensor cold = colder(replica_at_), hot = hotter(replica_at_);
    const at::Tensor now_cold = at::where(accepted, hot, cold), now_hot = at::where(accepted, cold, hot);
    cold.copy_(now_cold);
    hot.copy_(now_hot);
    colder(accepted_).add_(accepted.sum(0));
}

void DeviceReplicas::note_ends() {
    constexpr std::int64_t out = Journey::from_cold, back = Journey::from_hot;
    const at::Tensor cold = replica_at_.slice(1, 0, 1), hot = replica_at_.slice(1, levels_ - 1, levels_);
    trips_.add_((journey_.gather(1, cold) == back).sum());
    journey_.scatter_(1, cold, out);
    const at::Tensor came = journey_.gather(1, hot);
    journey_.scatter_(1, hot, came.masked_fill(came == out, back));
}

at::Tensor DeviceReplicas::coldest() const {
    const at::Tensor first = at::arange(ensembles_, replica_at_.options()) * levels_;
    return chains_.states().index_select(0, first + replica_at_.select(1, 0));
}

std::string DeviceReplicas::report() const {
    const std::vector<std::int64_t> accepted = chains::counters(accepted_);
    std::vector<double> shares;
    for (std::int64_t level = 0; level + 1 < levels_; ++level) {
        const auto tried = static_cast<double>(ensembles_ * ((sweeps_ + 1 - level % 2) / 2));
        shares.push_back(tried > 0 ? static_cast<double>(accepted[static_cast<std::size_t>(level)]) / tried : 0);
    }
    return report_of(betas_, ensembles_, sweeps_, shares, chains::counters(trips_).at(0));
}

marginalia::StateDict DeviceReplicas::state() const {
    marginalia::StateDict state{{"replica_at", replica_at_.clone()},
                                {"journey", journey_.clone()},
                                {"accepted", accepted_.clone()},
                                {"trips", trips_.clone()},
                                {"sweeps", chains::counters({sweeps_})}};
    chains_.save(state);
    return state;
}

// Indices are checked, since one that is out of range would end the process on a GPU.
void DeviceReplicas::load(const marginalia::StateDict& state) {
    const auto whole = [&](const char* name, const at::Tensor& like) {
        const at::Tensor& given = state.at(name);
        if (given.scalar_type() != at::kLong || given.sizes() != like.sizes())
            throw marginalia::Error(std::string("the checkpoint's '") + name + "' do not fit these replicas");
        return marginalia::to_device(given, like.device()).clone();
    };
    const at::Tensor replica_at = whole("replica_at", replica_at_);
    const at::Tensor each_once = at::arange(levels_, replica_at.options()).expand_as(replica_at);
    if (!at::equal(std::get<0>(replica_at.sort(1)), each_once))
        throw marginalia::Error("the checkpoint's 'replica_at' has not each replica once");
    chains_.load(state);
    replica_at_ = replica_at;
    journey_ = whole("journey", journey_);
    accepted_ = whole("accepted", accepted_);
    trips_ = whole("trips", trips_);
    sweeps_ = chains::counters(state.at("sweeps")).at(0);
}

}  // namespace parallel_tempering
