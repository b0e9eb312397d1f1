// The stack machine that a pickle is a programme for, with the instructions and names that LibTorch writes and no
// others. Internal to pickled_tensors.
#pragma once

#include <cstring>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kernel/worker/checkpoint/pickled_tensors.h"

namespace marginalia {

// Throws Error: "the checkpoint is not read: " and the rest of the sentence.
[[noreturn]] void refuse_pickle(const std::string& what);

// A value of a pickle. Values are kept in one list and named by their places in it, so that neither a deep nor a
// circular pickle makes anything recurse.
struct PickleNode {
    enum class Kind { nothing, number, text, name, tuple, list, dict, module, storage, tensor };
    Kind kind = Kind::nothing;
    std::int64_t number = 0;           // of a tensor or a storage: its place among those
    std::string_view text;             // in the pickle; of a name: module, line break, name
    std::vector<std::uint32_t> items;  // of a dict and a module: key, value, key, value ...
};

class PickleMachine {
public:
    explicit PickleMachine(std::string_view pickle) : rest_(pickle) {}

    // To the end of the pickle, once; returns what it stands for.
    const PickleNode& run();

    const PickleNode& node(std::uint32_t index) const { return nodes_[index]; }
    const PickledTensor& tensor(const PickleNode& node) const {
        return tensors_[static_cast<std::size_t>(node.number)];
    }

private:
    using Kind = PickleNode::Kind;
    using Index = std::uint32_t;

    std::string_view take(std::size_t bytes);
    template <class Number>
    Number take() {
        Number number;
        std::memcpy(&number, take(sizeof number).data(), sizeof number);
        return number;
    }
    std::string_view take_line();

    void push(PickleNode node);
    void push_number(std::int64_t number) { push({Kind::number, number, {}, {}}); }
    Index pop();
    std::vector<Index> pop_to_mark();
    PickleNode& top();
    void push_tuple(std::size_t size);
    void add_to(Kind kind, const std::vector<Index>& items);
    void add_pair();
    void recall(Index key);
    void keep(Index key);

    bool step();
    bool step_values(std::uint8_t code);
    bool step_containers(std::uint8_t code);
    bool step_objects(std::uint8_t code);
    void push_name();
    void push_text();
    void push_long();
    void push_storage();
    void push_module();
    void call();
    void fill_module();
    void push_tensor(const PickleNode& arguments);
    std::vector<std::int64_t> numbers_of(const PickleNode& tuple) const;
    const PickleNode& item(const PickleNode& of, std::size_t place, Kind kind) const;

    std::string_view rest_;
    std::vector<PickleNode> nodes_;
    std::vector<Index> stack_;
    std::vector<std::size_t> marks_;
    std::unordered_map<Index, Index> memo_;
    std::size_t filled_ = 0;               // items of modules so far
    std::vector<PickledTensor> storages_;  // of which only storage, type and length are known
    std::vector<PickledTensor> tensors_;
};

}  // namespace marginalia
