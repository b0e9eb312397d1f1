// The TorchScript source of matrix product states: what both kinds share, and what each adds. {names} are filled in by
// mps.cpp.
#pragma once

namespace mps {

// Both kinds. Weights are (sites, rows, K): one-hot for a known symbol, ones for □, since the sum over symbols is then
// the same product. Chains are padded to an even number of sites by one whose first matrix is the identity, the rest 0.
constexpr const char* shared_methods = R"(
    def symbol_weights(self, x: Tensor) -> Tensor:
        return torch.embedding(self.table, x.index_select(1, self.order).t())

    def with_blank(self, x: Tensor) -> Tensor:
        return torch.cat([x, torch.full([1, {sites}], {categories}, dtype=x.dtype, device=x.device)])

    def padded(self, w: Tensor) -> Tensor:
        return torch.cat([w, torch.ones([{padding}, w.size(1), {categories}], dtype=w.dtype, device=w.device)])

    def matrices(self) -> Tensor:
        return {matrices}

    def from_ends(self, a: Tensor, steps: int) -> Tensor:
        # (sites, K, χ, χ) -> (steps, 2, K χ, χ): the sites from the left end, and transposed those from the right end.
        return torch.stack([a[:steps], a.flip([0])[:steps].transpose(2, 3)], 1).flatten(2, 3)

    def weights_from_ends(self, w: Tensor, steps: int) -> Tensor:
        return torch.stack([w[:steps], w.flip([0])[:steps]], 1)

    def sweep(self, a: Tensor, w: Tensor, keep: bool) -> Tuple[List[Tensor], Tensor]:
        # (T, 2, K χ, χ), (T, 2, B, K) -> vectors (2, B, χ) before and after every step, or after the last alone, and
        # the logarithm (B) of all they were divided by, which needs no gradient: the value does not depend on it.
        rows = w.size(2)
        sites, weights = torch.unbind(a), torch.unbind(w.unsqueeze(4))
        v = torch.ones([2, rows, {bond}], dtype=a.dtype, device=a.device)
        kept, sizes = [v], [torch.ones([2, rows, 1], dtype=a.dtype, device=a.device)]
        for t in range(len(sites)):
            size = {vector_size}.clamp_min({tiny})
            sizes.append(size)
            v = torch.bmm((v.unsqueeze(2) * (weights[t] / size.unsqueeze(3))).view(2, rows, {fan_in}), sites[t])
            if keep:
                kept.append(v)
        if not keep:
            kept = [v]
        return kept, torch.stack(sizes).double().log().sum([0, 1, 3])

    def product(self, w: Tensor) -> Tuple[Tensor, Tensor]:
        # (D, B, K) -> the matrix product between the ends, and the logarithm of what it was divided by, (B) each
        half = {half}
        a = self.from_ends(torch.cat([self.matrices(), self.pad]), half)
        v, log_size = self.sweep(a, self.weights_from_ends(self.padded(w), half), False)
        return (v[0][0] * v[0][1]).sum(1), log_size

    def forked(self, x: Tensor, site: Tensor) -> Tensor:
        # (B, D), (B) -> (K B, D): the site's symbol 0 in the first B rows, and so on
        symbol = torch.arange({categories}, device=x.device).unsqueeze(1).expand({categories}, x.size(0))
        return x.repeat([{categories}, 1]).scatter(1, site.repeat([{categories}]).unsqueeze(1), symbol.reshape(-1, 1))

    def of_forks(self, marginal: Tensor) -> Tensor:
        return marginal.view({categories}, -1).t().log_softmax(1)

    def conditional_logits(self, x: Tensor) -> Tensor:
        chain = self.conditionals(self.symbol_weights(x)).clamp_min({tiny}).log().log_softmax(2)
        return chain.index_select(0, self.place).transpose(0, 1)

    def conditional_at(self, x: Tensor, site: Tensor) -> Tensor:
        if {forks}:
            return self.of_forks(self.log_marginal(self.forked(x, site)))
        return self.conditional_logits(x).gather(1, site.view(-1, 1, 1).expand(-1, 1, {categories})).squeeze(1)

    def joint(self, x: Tensor, site: Tensor) -> Tuple[Tensor, Tensor]:
        first = x[:site.size(0)]
        if {forks}:
            marginal = self.log_marginal(torch.cat([x, self.forked(first, site)]))
            return marginal[:x.size(0)], self.of_forks(marginal[x.size(0):])
        return self.log_marginal(x), self.conditional_at(first, site)

    def sample(self, u: Tensor) -> Tensor:
        # (B, D) uniform in [0, 1) -> (B, D): independent states of p, drawn along the chain. What lies beyond a site is
        # the same for all rows, its symbols being summed over.
        rows = u.size(0)
        a = self.matrices()
        rests = self.rests(a)
        sites, chances = torch.unbind(a.transpose(1, 2).flatten(2, 3)), torch.unbind(u, 1)
        v = torch.ones([rows, {bond}], dtype=a.dtype, device=a.device)
        drawn: List[Tensor] = []
        for d in range({sites}):
            rest = rests[{sites} - 1 - d]
            ways = torch.mm(v, sites[d]).view(rows, {categories}, {bond})
            weights = {way_weights}.cumsum(1)
            symbol = (weights[:, :-1] <= (weights[:, -1] * chances[d]).unsqueeze(1)).sum(1)
            drawn.append(symbol)
            v = ways.gather(1, symbol.view(rows, 1, 1).expand(rows, 1, {bond})).squeeze(1)
            v = v / v.abs().sum(1, keepdim=True).clamp_min({tiny})
        return torch.stack(drawn, 1).index_select(1, self.place)
)";

constexpr const char* non_negative_methods = R"(
    def log_weight(self, w: Tensor) -> Tensor:
        # log p of rows of weights, the last of which is all □.
        value, log_size = self.product(w)
        result = value.clamp_min({tiny}).double().log() + log_size
        return (result[:-1] - result[-1]).to(w.dtype)

    def log_marginal(self, x: Tensor) -> Tensor:
        return self.log_weight(self.symbol_weights(self.with_blank(x)))

    def log_marginal_relaxed(self, p: Tensor) -> Tensor:
        p = p.index_select(1, self.order).transpose(0, 1)
        return self.log_weight(torch.cat([p, torch.ones_like(p[:, :1])], 1))

    def rests(self, a: Tensor) -> List[Tensor]:
        # From the last site to the first: the sum over all that follow it, (χ).
        rest = torch.ones([{bond}], dtype=a.dtype, device=a.device)
        result = [rest]
        for site in torch.unbind(a.sum(1).flip([0])):
            rest = torch.mv(site, rest)
            rest = rest / rest.sum().clamp_min({tiny})
            result.append(rest)
        return result

    def conditionals(self, w: Tensor) -> Tensor:
        # (D, B, K) -> (D, B, K): weights of each site's symbols, the other sites as given
        a = self.matrices()
        v, log_size = self.sweep(self.from_ends(a, {sites} - 1), self.weights_from_ends(w, {sites} - 1), True)
        ways = torch.unbind(a.transpose(1, 2).flatten(2, 3))
        result: List[Tensor] = []
        for d in range({sites}):
            left = torch.mm(v[d][0], ways[d]).view(w.size(1), {categories}, {bond})
            result.append((left * v[{sites} - 1 - d][1].unsqueeze(1)).sum(2))
        value = torch.stack(result)
        return value / value.detach().sum(2, keepdim=True).clamp_min({tiny})
)";

// A full state needs its amplitude alone, χ² a site; a partial one its environments, χ³.
constexpr const char* born_methods = R"(
    def sweep_environments(self, a: Tensor, w: Tensor, keep: bool) -> Tuple[List[Tensor], Tensor]:
        # As `sweep`, with environments (2, B, χ, χ), which are symmetric.
        rows = w.size(2)
        stacked = a.view(-1, 2, {categories}, {bond}, {bond})
        after = torch.unbind(stacked.transpose(2, 3).flatten(2, 3))
        before = torch.unbind(stacked.transpose(2, 3).reshape(-1, 2, {bond}, {fan_in}))
        weights = torch.unbind(w.unsqueeze(3).unsqueeze(5))
        e = torch.ones([2, rows, {bond}, {bond}], dtype=a.dtype, device=a.device)
        kept, sizes = [e], [torch.ones([2, rows, 1], dtype=a.dtype, device=a.device)]
        for t in range(len(after)):
            size = torch.diagonal(e.detach(), 0, 2, 3).sum(2, keepdim=True).clamp_min({tiny})
            sizes.append(size)
            f = torch.bmm(e.view(2, rows * {bond}, {bond}), before[t]).view(2, rows, {bond}, {categories}, {bond})
            f = (f * (weights[t] / size.view(2, rows, 1, 1, 1))).permute(0, 1, 4, 2, 3)
            e = torch.bmm(f.reshape(2, rows * {bond}, {fan_in}), after[t]).view(2, rows, {bond}, {bond})
            if keep:
                kept.append(e)
        if not keep:
            kept = [e]
        return kept, torch.stack(sizes).double().log().sum([0, 1, 3])

    def log_sum(self, x: Tensor) -> Tensor:
        # log of the sum of squares over the unknown sites of partial states
        half = {half}
        a = self.from_ends(torch.cat([self.matrices(), self.pad]), half)
        w = self.weights_from_ends(self.padded(self.symbol_weights(x)), half)
        e, log_size = self.sweep_environments(a, w, False)
        return (e[0][0] * e[0][1]).sum([1, 2]).clamp_min({tiny}).double().log() + log_size

    def log_square(self, w: Tensor) -> Tensor:
        amplitude, log_size = self.product(w)
        return 2 * (amplitude.abs().clamp_min({tiny}).double().log() + log_size)

    def log_marginal(self, x: Tensor) -> Tensor:
        # Of full states too, so that nobody need count them; but their amplitudes have more digits.
        sums = self.log_sum(self.with_blank(x))
        square = self.log_square(self.symbol_weights(x.clamp_max({categories} - 1)))
        value = torch.where((x < {categories}).all(1), square, sums[:-1])
        return (value - sums[-1]).to(self.w.dtype)

    def log_density(self, x: Tensor) -> Tensor:
        blank = torch.full([1, {sites}], {categories}, dtype=x.dtype, device=x.device)
        return (self.log_square(self.symbol_weights(x)) - self.log_sum(blank)).to(self.w.dtype)

    def log_marginal_relaxed(self, p: Tensor) -> Tensor:
        blank = torch.full([1, {sites}], {categories}, dtype=self.order.dtype, device=p.device)
        square = self.log_square(p.index_select(1, self.order).transpose(0, 1))
        return (square - self.log_sum(blank)).to(p.dtype)

    def rests(self, a: Tensor) -> List[Tensor]:
        # From the last site to the first: the sum of squares over all that follow it, (χ, χ).
        rest = torch.ones([{bond}, {bond}], dtype=a.dtype, device=a.device)
        result = [rest]
        for site in torch.unbind(a.flip([0])):
            rest = torch.matmul(torch.matmul(site, rest), site.transpose(1, 2)).sum(0)
            rest = rest / rest.trace().clamp_min({tiny})
            result.append(rest)
        return result

    def conditionals(self, w: Tensor) -> Tensor:
        # (D, B, K) -> (D, B, K): weights of each site's symbols, the other sites as given
        a, rows = self.matrices(), w.size(1)
        steps = {sites} - 1
        e, log_size = self.sweep_environments(self.from_ends(a, steps), self.weights_from_ends(w, steps), True)
        ways = torch.unbind(a.transpose(1, 2).flatten(2, 3))
        back = torch.unbind(a.permute(0, 3, 2, 1).flatten(2, 3))
        result: List[Tensor] = []
        for d in range({sites}):
            left = torch.mm(e[d][0].reshape(rows * {bond}, {bond}), ways[d]).view(rows, {bond}, {categories}, {bond})
            right = torch.mm(e[steps - d][1].reshape(rows * {bond}, {bond}), back[d])
            result.append((left * right.view(rows, {bond}, {bond}, {categories}).permute(0, 2, 3, 1)).sum([1, 3]))
        value = torch.stack(result)
        return value / value.detach().sum(2, keepdim=True).clamp_min({tiny})
)";

}  // namespace mps
