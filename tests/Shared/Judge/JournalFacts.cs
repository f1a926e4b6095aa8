using MeshDns.Contracts.Events;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Tests.Shared.Judge;

/// <summary>An event of a document, as the journal has it.</summary>
internal readonly record struct DocumentFact(string Stream, long Seq, long Version, bool Deleted, int Generation);

/// <summary>What the log says at the end, in the judge's terms. A place in it is the number of a transaction's closing row.</summary>
internal sealed class JournalFacts
{
    private readonly Dictionary<string, List<DocumentFact>> _documents = [];
    private readonly Dictionary<(string Document, int Generation), List<DocumentFact>> _puts = [];

    public JournalFacts(LoggedPast past)
    {
        Range = past.Range;
        Vips = new VipWitness(Range);
        Settings = new SettingsPast();
        Ends = new Dictionary<string, long> { [LoggedPast.Name] = past.Transactions is [.., var last] ? last.Number : 0 };
        foreach (var (number, facts) in past.Transactions)
        {
            Settings.Take(number, facts);
            foreach (var fact in facts)
            {
                if (fact is VipEvent) Vips.Take(fact);
                else if (fact is DocumentPut put) Add(put.Document.Key, new DocumentFact(LoggedPast.Name, number, put.Version, false, GenerationOf(put.Document)));
                else if (fact is DocumentDeleted deleted) Add(deleted.Key, new DocumentFact(LoggedPast.Name, number, deleted.Version, true, 0));
            }
        }
    }

    public VipRange Range { get; }

    public VipWitness Vips { get; }

    public SettingsPast Settings { get; }

    /// <summary>The last number of what replies name places of: the one log.</summary>
    public IReadOnlyDictionary<string, long> Ends { get; }

    /// <summary>Every document that the journal ever had.</summary>
    public IEnumerable<string> Documents => _documents.Keys;

    /// <summary>The events of a document, in order.</summary>
    public IReadOnlyList<DocumentFact> Of(string document) => _documents.TryGetValue(document, out var facts) ? facts : [];

    /// <summary>The events that put a generation of a document: one, when all is well.</summary>
    public IReadOnlyList<DocumentFact> Puts(string document, int generation) => _puts.TryGetValue((document, generation), out var facts) ? facts : [];

    private static int GenerationOf(MeshDocument document) => (document.ServiceEntry?.Ports ?? document.Service?.Ports) is [var first, ..] ? first.Number : 0;

    private void Add(DocumentKey key, DocumentFact fact)
    {
        var text = key.ToString();
        if (!_documents.TryGetValue(text, out var facts)) _documents[text] = facts = [];
        facts.Add(fact);
        if (fact.Deleted) return;
        if (!_puts.TryGetValue((text, fact.Generation), out var puts)) _puts[(text, fact.Generation)] = puts = [];
        puts.Add(fact);
    }
}
