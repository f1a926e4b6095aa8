using System.Numerics;

namespace MeshDns.Actors.Vips;

/// <summary>
/// An immutable set of the numbers 0 to 65,535: one bit each, in chunks, so that a change copies under 1 kB
/// and a search for the next member reads at most 8 kB.
/// </summary>
internal sealed class IndexSet
{
    private const int Chunks = 64;
    private const int WordsPerChunk = 16;
    private const int BitsPerWord = 64;
    private const int BitsPerChunk = WordsPerChunk * BitsPerWord;
    private readonly ulong[][] _chunks;

    private IndexSet(ulong[][] chunks) => _chunks = chunks;

    public static IndexSet None { get; } = new([.. Enumerable.Repeat(new ulong[WordsPerChunk], Chunks)]);

    /// <summary>The numbers from first to last for which a test holds.</summary>
    public static IndexSet Where(int first, int last, Func<int, bool> test)
    {
        var chunks = (ulong[][])None._chunks.Clone();
        for (var c = first / BitsPerChunk; c <= last / BitsPerChunk; c++) chunks[c] = new ulong[WordsPerChunk];
        for (var index = first; index <= last; index++)
            if (test(index)) chunks[index / BitsPerChunk][index % BitsPerChunk / BitsPerWord] |= 1UL << (index % BitsPerWord);
        return new IndexSet(chunks);
    }

    public bool Contains(int index) => (Word(index / BitsPerWord) >> (index % BitsPerWord) & 1) != 0;

    public IndexSet With(int index) => WithRange(index, index);

    public IndexSet Without(int index)
    {
        var chunks = (ulong[][])_chunks.Clone();
        var chunk = (ulong[])chunks[index / BitsPerChunk].Clone();
        chunk[index % BitsPerChunk / BitsPerWord] &= ~(1UL << (index % BitsPerWord));
        chunks[index / BitsPerChunk] = chunk;
        return new IndexSet(chunks);
    }

    /// <summary>This set and every number from first to last.</summary>
    public IndexSet WithRange(int first, int last)
    {
        var chunks = (ulong[][])_chunks.Clone();
        for (var c = first / BitsPerChunk; c <= last / BitsPerChunk; c++)
        {
            var chunk = (ulong[])chunks[c].Clone();
            for (var w = 0; w < WordsPerChunk; w++)
            {
                var start = (c * BitsPerChunk) + (w * BitsPerWord);
                chunk[w] |= Mask(first - start, last - start);
            }
            chunks[c] = chunk;
        }
        return new IndexSet(chunks);
    }

    /// <summary>The lowest member in [from, to] that the other set does not have; -1 when there is none.</summary>
    public int Next(int from, int to, IndexSet except)
    {
        for (var w = from / BitsPerWord; w <= to / BitsPerWord && from <= to; w++)
        {
            var start = w * BitsPerWord;
            var word = Word(w) & ~except.Word(w) & Mask(from - start, to - start);
            if (word != 0) return start + BitOperations.TrailingZeroCount(word);
        }
        return -1;
    }

    /// <summary>How many members both sets have.</summary>
    public int Overlap(IndexSet other)
    {
        var count = 0;
        for (var w = 0; w < Chunks * WordsPerChunk; w++) count += BitOperations.PopCount(Word(w) & other.Word(w));
        return count;
    }

    private ulong Word(int word) => _chunks[word / WordsPerChunk][word % WordsPerChunk];

    // The bits first to last of a word, where either may lie outside the word.
    private static ulong Mask(int first, int last)
    {
        if (first >= BitsPerWord || last < 0) return 0;
        var above = first <= 0 ? ulong.MaxValue : ulong.MaxValue << first;
        var below = last >= BitsPerWord - 1 ? ulong.MaxValue : ulong.MaxValue >> (BitsPerWord - 1 - last);
        return above & below;
    }
}
