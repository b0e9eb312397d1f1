#include "kernel/worker/checkpoint/pickled_tensors.h"

#include "kernel/worker/checkpoint/pickle_machine.h"

namespace marginalia {
namespace {

constexpr std::size_t most_bytes = 4 << 20;  // some ten thousand tensors
constexpr std::size_t most_letters = 1000;   // of a name
constexpr int most_depth = 64;               // of modules in modules

class Collector {
public:
    explicit Collector(std::string_view pickle) : machine_(pickle), most_(pickle.size()) {}

    std::map<std::string, PickledTensor> collect() {
        const PickleNode& root = machine_.run();
        if (root.kind != PickleNode::Kind::dict && root.kind != PickleNode::Kind::module)
            refuse_pickle("its pickle is neither a dict nor a module");
        add(root, "", 0);
        return std::move(tensors_);
    }

private:
    void add(const PickleNode& of, const std::string& prefix, int depth) {
        if (depth > most_depth) refuse_pickle("its modules are nested too deep");
        for (std::size_t i = 0; i < of.items.size(); i += 2) {
            // One module may be named in many places, and the places may double at every depth.
            if (++visited_ > most_) refuse_pickle("its modules refer to one another too often");
            const PickleNode &key = machine_.node(of.items[i]), &value = machine_.node(of.items[i + 1]);
            if (key.kind != PickleNode::Kind::text) continue;
            if (prefix.size() + key.text.size() > most_letters)
                refuse_pickle("it has a name of more than 1,000 letters");
            const std::string name = prefix + std::string(key.text);
            if (value.kind == PickleNode::Kind::module) add(value, name + ".", depth + 1);
            if (value.kind != PickleNode::Kind::tensor) continue;
            if (!tensors_.emplace(name, machine_.tensor(value)).second) refuse_pickle("it has two tensors of one name");
        }
    }

    PickleMachine machine_;
    const std::size_t most_;
    std::size_t visited_ = 0;
    std::map<std::string, PickledTensor> tensors_;
};

}  // namespace

std::map<std::string, PickledTensor> pickled_tensors(std::string_view pickle) {
    if (pickle.size() > most_bytes)
        refuse_pickle("its pickle is of " + std::to_string(pickle.size() >> 20) + " MB, and ours are of at most 4");
    return Collector(pickle).collect();
}

}  // namespace marginalia
