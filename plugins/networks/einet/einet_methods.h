// The TorchScript source of circuits. {names} are filled in by einet.cpp.
//
// Shapes: R regions of a level, K sums a region, M products of a partition (K for cp, K² for einsum), B rows; rows come
// last, so that the partitions of a region lie one after the other as the matrix product wants them. Values are divided
// by the largest of their region and row, `size` has the logarithms of what they were divided by, (regions, B) float64.
// The divisors need no gradient: no result depends on them.
#pragma once

namespace einet {

// Where cp and einsum differ.
constexpr const char* cp_products = "a * b";
constexpr const char* einsum_products = "(a.unsqueeze(2) * b.unsqueeze(1)).flatten(1, 2)";
constexpr const char* cp_slopes = "of_parts = [of_products * b, of_products * a]";
constexpr const char* einsum_slopes = R"(pairs = of_products.view(a.size(0), a.size(1), a.size(1), -1)
            of_parts = [(pairs * b.unsqueeze(1)).sum(2), (pairs * a.unsqueeze(2)).sum(1)])";
constexpr const char* sum_of_leaves = "value = torch.bmm(weights[1], value)";
constexpr const char* slope_of_leaves = "slope = torch.bmm(weights[1].transpose(1, 2), slope)";
constexpr const char* draw_sum_of_leaves = R"(shares = weights[1][region, number] * values[region, row % values.size(1)]
        number = self.draw(shares, keys[row], region + drawn))";

// Weights are proportions that sum to 1 over the last axis, mixed with equal ones.
constexpr const char* weight_methods = R"(
    def logits(self) -> List[Tensor]:
        return [{logits}]

    def floors(self) -> List[Tensor]:
        # What the floor adds to each proportion; 0 for the places of partitions that a region does not have.
        return [{floors}]

    def proportions(self) -> List[Tensor]:
        result: List[Tensor] = []
        for w, floor in zip(self.logits(), self.floors()):
            if floor.dim() > 1:
                w = w.masked_fill(floor == 0, -1e30)
            result.append(torch.softmax(w, -1))
        return result

    def weights(self, proportions: List[Tensor]) -> List[Tensor]:
        result: List[Tensor] = []
        for p, floor in zip(proportions, self.floors()):
            result.append(torch.add(floor, p, alpha={kept}))
        return result

    def picks(self) -> List[Tensor]:
        return [{picks}]
)";

constexpr const char* upward_methods = R"(
    def evidence(self, x: Tensor) -> Tensor:
        # (B, D) -> (leaves, sites of a leaf times C, B): 1 at the symbols that are known, all 0 for a site that is not
        outside = torch.full([x.size(0), 1], {categories}, dtype=x.dtype, device=x.device)
        symbols = torch.cat([x, outside], 1).t().index_select(0, self.sites).unsqueeze(1)
        return (symbols == self.symbols).to(self.leaf.dtype).view({leaves}, -1, x.size(0))

    def leaf_values(self, x: Tensor, leaf: Tensor) -> Tuple[Tensor, Tensor]:
        log_p = torch.bmm(leaf.log().flatten(2), self.evidence(x))
        top = log_p.detach().amax(1, keepdim=True)
        return torch.exp(log_p - top), top.squeeze(1).double()

    def products(self, a: Tensor, b: Tensor) -> Tensor:
        return {products}

    def upward(self, x: Tensor, weights: List[Tensor], keep: bool) -> Tuple[Tensor, List[List[Tensor]]]:
        # log p (B) and, if asked to keep them, what the way down needs: the leaves, then of each level both parts of
        # its partitions, their factors and the divisors.
        regions, ways, carried, plain = {regions}, {ways}, {carried}, {plain}
        picks = self.picks()
        value, size = self.leaf_values(x, weights[0])
        kept = [[value]]
        {sum_of_leaves}
        for l in range(len(regions)):
            count = regions[l] * ways[l]
            if not plain[l]:
                value, size = value.index_select(0, picks[l]), size.index_select(0, picks[l])
            parts = torch.split(value, [count, count, carried[l]])
            sizes = torch.split(size, [count, count, carried[l]])
            product = self.products(parts[0], parts[1])
            step = (sizes[0] + sizes[1]).view(regions[l], ways[l], -1)
            top = step.amax(1, keepdim=True)
            factor = torch.exp(step - top).to(product.dtype).view(count, 1, -1)
            if ways[l] > 1:
                product.mul_(factor)
            sums = torch.bmm(weights[l + {first}], product.view(regions[l], -1, x.size(0)))
            largest = sums.detach().amax(1, keepdim=True)
            sums.div_(largest)
            value, size = sums, top.squeeze(1) + largest.squeeze(1).double().log()
            if carried[l] > 0:
                value, size = torch.cat([value, parts[2]]), torch.cat([size, sizes[2]])
            if keep:
                kept.append([parts[0], parts[1], factor, largest])
        kept.append([value])
        return value.view(-1).double().log() + size.view(-1), kept

    def log_marginal(self, x: Tensor) -> Tensor:
        return self.upward(x, self.weights(self.proportions()), False)[0].to(self.leaf.dtype)
)";

constexpr const char* downward_methods = R"(
    def downward(self, weights: List[Tensor], kept: List[List[Tensor]]) -> Tensor:
        # (leaves, K, B): the probability, given the known sites, that a leaf's distribution is the one in use
        regions, ways, carried, plain = {regions}, {ways}, {carried}, {plain}
        live, picks = {live}, self.picks()
        slope = kept[-1][0].reciprocal()  # of log p in the values of a level's regions
        for i in range(len(regions)):
            l = len(regions) - 1 - i
            a, b, factor, largest = kept[l + 1]
            of_sums, of_carried = torch.split(slope, [regions[l], carried[l]])
            of_products = torch.bmm(weights[l + {first}].transpose(1, 2), of_sums / largest)
            of_products = of_products.view(regions[l] * ways[l], -1, a.size(2)) * factor
            {slopes}
            if carried[l] > 0:
                of_parts.append(of_carried)
            slope = torch.cat(of_parts)
            if not plain[l]:
                lower = torch.zeros([live[l], a.size(1), a.size(2)], dtype=a.dtype, device=a.device)
                slope = lower.index_add(0, picks[l], slope)
        {slope_of_leaves}
        return slope * kept[0][0]

    def conditional_logits(self, x: Tensor) -> Tensor:
        weights = self.weights(self.proportions())
        used = self.downward(weights, self.upward(x, weights, True)[1])
        at_leaves = torch.bmm(weights[0].flatten(2).transpose(1, 2), used).view(-1, {categories}, x.size(0))
        sites = torch.zeros([{sites} + 1, {categories}, x.size(0)], dtype=used.dtype, device=used.device)
        sites = sites.index_add(0, self.sites, at_leaves)[:-1]
        return sites.clamp_min({tiny}).log().permute(2, 0, 1)
)";

// Numbers beyond the D of a state come from a counter-based generator (splitmix64) keyed by all D of them.
constexpr const char* sample_methods = R"(
    def scrambled(self, z: Tensor) -> Tensor:
        z = torch.bitwise_xor(z, torch.bitwise_and(z >> 30, (1 << 34) - 1)) * -4658895280553007687
        z = torch.bitwise_xor(z, torch.bitwise_and(z >> 27, (1 << 37) - 1)) * -7723592293110705685
        return torch.bitwise_xor(z, torch.bitwise_and(z >> 31, (1 << 33) - 1))

    def keys(self, u: Tensor) -> Tensor:
        count = torch.arange(1, u.size(1) + 1, device=u.device)
        odd = torch.bitwise_or(self.scrambled(count * -7046029254386353131), 1)
        return self.scrambled(((u * 16777216.0).long() * odd).sum(1))

    def draw(self, shares: Tensor, key: Tensor, number: Tensor) -> Tensor:
        # One of each row of shares (A, N), by the number-th chance of the row's key.
        bits = torch.bitwise_and(self.scrambled(key + number * -7046029254386353131) >> 40, (1 << 24) - 1)
        up_to = shares.cumsum(1)
        level = up_to[:, -1] * (bits.to(shares.dtype) / 16777216.0)
        return (up_to[:, :-1] <= level.unsqueeze(1)).sum(1)

    def in_use(self, chosen: Tensor, most: int) -> Tuple[Tensor, Tensor, Tensor]:
        # The regions of each row whose number in `chosen` (R, B) is not -1: region, number and row, one after another.
        # As many for each row as a row has at most, so that nobody need count them: a row that has fewer has others
        # besides, with number -1, or one twice.
        regions = torch.arange(chosen.size(0), device=chosen.device).unsqueeze(1).expand_as(chosen)
        rows = torch.arange(chosen.size(1), device=chosen.device)
        if most == chosen.size(0):
            return regions.flatten(), chosen.flatten(), rows.expand_as(chosen).flatten()
        used = chosen >= 0
        place = (used.cumsum(0) - 1).masked_fill(used.logical_not(), most)
        region = torch.zeros([most + 1, chosen.size(1)], dtype=regions.dtype, device=chosen.device)
        region = region.scatter(0, place, regions)[:most]
        return region.flatten(), chosen.gather(0, region).flatten(), rows.expand_as(region).flatten()

    def descend(self, weights: List[Tensor], kept: List[List[Tensor]], u: Tensor) -> Tensor:
        # From the root down: which product each sum in use takes, and so the sums in use below; -1 is not in use.
        # Values kept of one row stand for all.
        regions, ways, carried = {regions}, {ways}, {carried}
        live, most = {live}, {most}
        picks, keys, rows = self.picks(), self.keys(u), u.size(0)
        chosen = torch.zeros([1, rows], dtype=self.sites.dtype, device=u.device)
        drawn = 1
        for i in range(len(regions)):
            l = len(regions) - 1 - i
            a, b, factor, largest = kept[l + 1]
            values = (self.products(a, b) * factor).view(regions[l], -1, a.size(2)).transpose(1, 2)
            of_sums, of_carried = torch.split(chosen, [regions[l], carried[l]])
            region, number, row = self.in_use(of_sums, most[l])
            shares = weights[l + {first}][region, number.clamp_min(0)] * values[region, row % a.size(2)]
            product = self.draw(shares, keys[row], region + drawn)
            terms = shares.size(1) // ways[l]
            way, term = torch.floor_divide(product, terms), torch.remainder(product, terms)
            partition, count = region * ways[l] + way, regions[l] * ways[l]
            chosen = torch.full([live[l] + 1, rows], -1, dtype=self.sites.dtype, device=u.device)
            chosen.index_copy_(0, picks[l][2 * count:], of_carried)
            none = number < 0  # such go to one more place, which is left out
            chosen[picks[l][partition].masked_fill(none, live[l]), row] = {left_sum}
            chosen[picks[l][count + partition].masked_fill(none, live[l]), row] = {right_sum}
            chosen = chosen[:-1]
            drawn += regions[l]
        return self.draw_leaves(weights, kept[0][0].transpose(1, 2), chosen, u, keys, drawn)

    def draw_leaves(self, weights: List[Tensor], values: Tensor, chosen: Tensor, u: Tensor, keys: Tensor,
                    drawn: int) -> Tensor:
        region, number, row = self.in_use(chosen, {most_leaves})
        none, number = number < 0, number.clamp_min(0)
        {draw_sum_of_leaves}
        of_symbols = weights[0][region, number]
        site = self.sites.view({leaves}, -1)[region].masked_fill(none.unsqueeze(1), {sites})
        level = torch.cat([u, torch.zeros_like(u[:, :1])], 1)[row.unsqueeze(1), site]
        x = torch.zeros([u.size(0), {sites} + 1], dtype=self.sites.dtype, device=u.device)
        x[row.unsqueeze(1), site] = (of_symbols.cumsum(2)[:, :, :-1] <= level.unsqueeze(2)).sum(2)
        return x[:, :-1]

    def sample(self, u: Tensor) -> Tensor:
        weights = self.weights(self.proportions())
        blank = torch.full([1, {sites}], {categories}, dtype=self.sites.dtype, device=u.device)
        return self.descend(weights, self.upward(blank, weights, True)[1], u)

    def complete(self, x: Tensor, u: Tensor) -> Tensor:
        # Partial states and uniform numbers, (B, D) both, to states of p given what is known.
        weights = self.weights(self.proportions())
        drawn = self.descend(weights, self.upward(x, weights, True)[1], u)
        return torch.where(x < {categories}, x, drawn)
)";

// Expected counts are proportions times the slope of log p in them (Darwiche 2003).
constexpr const char* em_methods = R"(
    def em(self, x: Tensor, rate: float) -> Tensor:
        # Moves the weights by `rate` of the way to those that the rows' expected counts give; returns the mean of log p
        # before. Grad mode must be on.
        proportions: List[Tensor] = []
        for p in self.proportions():
            proportions.append(p.detach().requires_grad_(True))
        log_p = self.upward(x, self.weights(proportions), False)[0]
        slopes = torch.autograd.grad([log_p.sum()], proportions)
        for w, p, slope in zip(self.logits(), proportions, slopes):
            if slope is not None:
                before = p.detach()
                count = before * slope
                total = count.sum(-1, keepdim=True)
                target = torch.where(total > {tiny}, count / total.clamp_min({tiny}), before)
                w.detach().copy_(torch.lerp(before, target, rate).clamp_min({tiny}).log())
        return log_p.detach().mean()
)";

}  // namespace einet
