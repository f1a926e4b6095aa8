using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Resolve.Records;

/// <summary>
/// A family of records: one file, whatever it is declared by and however it is written. <see cref="MeshResolver"/> asks which one has a type,
/// <see cref="AnswerWriter"/> has it written.
/// </summary>
internal interface IRecordFamily
{
    /// <summary>True when a name has records of the family for a type.</summary>
    /// <param name="type">What is asked.</param>
    /// <param name="source">What answers for the name; <see cref="AnswerSource.Invisible"/> where nothing is declared.</param>
    /// <param name="isApex">True for a mesh zone's own name.</param>
    static abstract bool Has(DnsType type, AnswerSource source, bool isApex);

    /// <summary>Writes them.</summary>
    static abstract LocalRecords Append(in RecordQuestion question, ref MessageWriter writer);
}
