using System.Globalization;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// How lists are cut into pages: by ordinal order of a key, one item more than the limit when there are more. A list is read page by page, and each page looks
/// at all items: so a look takes no memory, and only the items of the page are sorted.
/// </summary>
internal static class Pages
{
    public static string KeyOf(StoredDocument stored) => $"{stored.Document.Key.Namespace}/{stored.Document.Key.Name}";

    // Keys sort as numbers: five digits hold every index.
    public static string KeyOf(VipRecord record) => record.Index.ToString("D5", CultureInfo.InvariantCulture);

    // A withdrawn one has no index; it comes after those that have.
    public static string KeyOf(RestingVip rest, VipRange range) => Cidr.TryParseAddress(rest.Vip, out var address) && range.TryIndexOf(address, out var index)
        ? index.ToString("D5", CultureInfo.InvariantCulture)
        : "r" + rest.Vip;

    /// <summary>The documents of a page.</summary>
    public static List<StoredDocument> Of(IEnumerable<StoredDocument> documents, PageRequest page) => Of(documents, page, KeyOf,
        static (document, text) => Compare(document.Document.Key, text), static (a, b) => Compare(a.Document.Key, b.Document.Key));

    /// <summary>The items of a page whose keys are there as texts.</summary>
    public static List<T> Of<T>(IEnumerable<T> items, Func<T, string> keyOf, PageRequest page) => Of(items, page, keyOf,
        (item, text) => string.CompareOrdinal(keyOf(item), text), (a, b) => string.CompareOrdinal(keyOf(a), keyOf(b)));

    /// <summary>The page, of at most one item more than the limit.</summary>
    public static (IReadOnlyList<T> Items, string? Next) Cut<T>(List<T> items, Func<T, string> keyOf, PageRequest page) =>
        items.Count > page.Limit ? (items[..page.Limit], keyOf(items[page.Limit - 1])) : (items, null);

    private static List<T> Of<T>(IEnumerable<T> items, PageRequest page, Func<T, string> keyOf, Func<T, string, int> compareTo, Comparison<T> compare)
    {
        // The last one first, so that it goes when an earlier one is found.
        var first = new PriorityQueue<T, T>(Comparer<T>.Create((a, b) => compare(b, a)));
        foreach (var item in items)
        {
            if (page.After is { } after && compareTo(item, after) <= 0) continue;
            if (page.Query is { } query && !keyOf(item).Contains(query, StringComparison.OrdinalIgnoreCase)) continue;
            if (first.Count <= page.Limit) first.Enqueue(item, item);
            else if (compare(item, first.Peek()) < 0) first.DequeueEnqueue(item, item);
        }
        var found = new List<T>(first.Count);
        while (first.TryDequeue(out var item, out _)) found.Add(item);
        found.Reverse();
        return found;
    }

    // As the texts NAMESPACE/NAME compare, without making them; neither part has a slash.
    internal static int Compare(in DocumentKey key, in DocumentKey other) => Compare(key, other.Namespace, other.Name, '/');

    internal static int Compare(in DocumentKey key, string text) => text.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash
        ? Compare(key, text.AsSpan(0, slash), text.AsSpan(slash + 1), '/')
        : Compare(key, text, "", char.MinValue);

    private static int Compare(in DocumentKey key, ReadOnlySpan<char> otherNamespace, ReadOnlySpan<char> otherName, char otherEnd)
    {
        ReadOnlySpan<char> ns = key.Namespace;
        var same = ns.CommonPrefixLength(otherNamespace);
        var (mine, others) = (same < ns.Length ? ns[same] : '/', same < otherNamespace.Length ? otherNamespace[same] : otherEnd);
        return mine != others ? mine.CompareTo(others) : key.Name.AsSpan().SequenceCompareTo(otherName);
    }
}
