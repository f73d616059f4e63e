"""Groups from pairs, without chains; knows nothing of distances or products.

Complete linkage (Defays 1977, "An efficient algorithm for a complete link method", The Computer
Journal 20): two groups become one when every member of the one is paired with every member of the
other. Single linkage, the connected components, would join the two ends of a long row of small
steps, which look nothing alike.
"""

from collections.abc import Iterable


def complete_link(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Returns groups of two and more, given all pairs once, the most alike first.

    Any two members of a group are a pair. Groups come in the order in which they were begun.
    """
    group_of: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    # How many pairs, of those seen, run between two groups.
    links: dict[int, dict[int, int]] = {}
    for pair in pairs:
        for item in pair:
            if item not in group_of:
                group_of[item] = item
                members[item] = [item]
                links[item] = {}
        one, other = group_of[pair[0]], group_of[pair[1]]
        count = links[one].get(other, 0) + 1
        if count < len(members[one]) * len(members[other]):
            links[one][other] = links[other][one] = count
            continue
        if len(links[one]) < len(links[other]):
            one, other = other, one
        # The pairs to a third group add up; that they are all there shows with the last of them.
        for third, more in links.pop(other).items():
            del links[third][other]
            if third != one:
                links[one][third] = links[third][one] = links[one].get(third, 0) + more
        for item in members[other]:
            group_of[item] = one
        members[one] += members.pop(other)
    return [group for group in members.values() if len(group) > 1]
