#include "row_pieces.h"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <algorithm>

namespace marginalia {
namespace {

using torch::autograd::variable_list;

// The way back runs after the scope of autocast has ended. Casts are kept for one piece: they belong to its graph.
class SameAutocast {
public:
    SameAutocast(bool on, at::ScalarType type, at::DeviceType device)
        : device_(device), was_on_(at::autocast::is_autocast_enabled(device)),
          was_type_(at::autocast::get_autocast_dtype(device)) {
        at::autocast::set_autocast_enabled(device_, on);
        at::autocast::set_autocast_dtype(device_, type);
    }
    ~SameAutocast() {
        at::autocast::clear_cache();
        at::autocast::set_autocast_enabled(device_, was_on_);
        at::autocast::set_autocast_dtype(device_, was_type_);
    }
    SameAutocast(const SameAutocast&) = delete;
    SameAutocast& operator=(const SameAutocast&) = delete;

private:
    const at::DeviceType device_;
    const bool was_on_;
    const at::ScalarType was_type_;
};

struct Pass final : torch::CustomClassHolder {
    Pass(std::int64_t all, std::int64_t at_a_time, variable_list depends_on, PieceOfPass pass)
        : rows(all), most(at_a_time), learnt(std::move(depends_on)), piece(std::move(pass)),
          device(learnt.empty() ? at::kCPU : learnt[0].device().type()),
          autocast(at::autocast::is_autocast_enabled(device)), type(at::autocast::get_autocast_dtype(device)) {}

    template <class Body>
    void for_pieces(const Body& body) const {
        for (std::int64_t first = 0; first < rows; first += most) body(first, std::min(first + most, rows));
    }

    std::vector<at::Tensor> outputs() const {
        std::vector<std::vector<at::Tensor>> pieces;
        for_pieces([&](std::int64_t first, std::int64_t last) {
            const std::vector<at::Tensor> outputs = piece(first, last);
            pieces.resize(outputs.size());
            for (std::size_t i = 0; i < outputs.size(); ++i)
                if (outputs[i].defined()) pieces[i].push_back(outputs[i]);
        });
        std::vector<at::Tensor> whole;
        for (const auto& of_output : pieces) whole.push_back(at::cat(of_output));
        return whole;
    }

    const std::int64_t rows, most;
    const variable_list learnt;
    const PieceOfPass piece;
    const at::DeviceType device;
    const bool autocast;
    const at::ScalarType type;
};

// Autograd sees what the outputs depend on as one tensor, as it takes no lists.
at::Tensor joined(const variable_list& tensors) {
    variable_list flat;
    for (const at::Tensor& t : tensors) flat.push_back(t.flatten().to(at::kFloat));
    return at::cat(flat);
}

class InPieces : public torch::autograd::Function<InPieces> {
public:
    static variable_list forward(torch::autograd::AutogradContext* context, const c10::intrusive_ptr<Pass>& pass,
                                 const at::Tensor& /*joined*/) {
        context->saved_data["pass"] = c10::IValue::make_capsule(pass);
        return pass->outputs();
    }

    static variable_list backward(torch::autograd::AutogradContext* context, const variable_list& gradients) {
        const auto pass = c10::static_intrusive_pointer_cast<Pass>(context->saved_data["pass"].toCapsule());
        variable_list sums;
        for (const at::Tensor& t : pass->learnt) sums.push_back(at::zeros_like(t));
        pass->for_pieces([&](std::int64_t first, std::int64_t last) {
            const at::AutoGradMode with_graph(true);
            const SameAutocast same(pass->autocast, pass->type, pass->device);
            add_piece(pass->piece(first, last), gradients, first, pass->learnt, sums);
        });
        return {at::Tensor(), joined(sums)};
    }

private:
    static void add_piece(const variable_list& outputs, const variable_list& gradients, std::int64_t first,
                          const variable_list& learnt, variable_list& sums) {
        variable_list made, of_made;
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            if (!outputs[i].defined() || !outputs[i].requires_grad() || !gradients[i].defined()) continue;
            made.push_back(outputs[i]);
            of_made.push_back(gradients[i].slice(0, first, first + outputs[i].size(0)));
        }
        if (made.empty()) return;
        const variable_list found = torch::autograd::grad(made, learnt, of_made, false, false, true);
        const at::NoGradGuard no_graph;
        for (std::size_t i = 0; i < found.size(); ++i)
            if (found[i].defined()) sums[i].add_(found[i]);
    }
};

}  // namespace

std::vector<at::Tensor> in_row_pieces(std::int64_t rows, std::int64_t most, const std::vector<at::Tensor>& learnt,
                                      const PieceOfPass& pass) {
    variable_list learning;
    if (at::GradMode::is_enabled())
        for (const at::Tensor& t : learnt)
            if (t.requires_grad()) learning.push_back(t);
    const auto shared = c10::make_intrusive<Pass>(rows, most, learning, pass);
    return learning.empty() ? shared->outputs() : InPieces::apply(shared, joined(learning));
}

}  // namespace marginalia
