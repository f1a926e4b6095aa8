using System.Data.Common;
using MeshDns.Actors.Log;

namespace MeshDns.Actors.Store;

/// <summary>What both stores have in common: names, and rows as they are read. The columns are those that Akka.Persistence.Sql writes.</summary>
internal static class LogTable
{
    /// <summary>The one persistence id of the log.</summary>
    public const string PersistenceId = "mesh";

    /// <summary>The version of the tables that this program makes and knows.</summary>
    public const int Version = 1;

    /// <summary>What a trigger says of a row that does not follow on the one before it.</summary>
    public const string BrokenChain = "meshdns: the row does not follow on the log";

    /// <summary>How the tag column holds the one tag of a row.</summary>
    public static string TagColumn(string tag) => $";{tag};";

    /// <summary>A row of the columns sequence_number, manifest, tags, message.</summary>
    /// <exception cref="StoreUnavailableException">It is not one of ours.</exception>
    public static LogRow Read(DbDataReader reader)
    {
        try { return LogRow.Of(reader.GetInt64(0), reader.GetString(1), reader.GetString(2).Trim(';'), reader.GetFieldValue<byte[]>(3)); }
        catch (FormatException e) { throw new StoreUnavailableException(e.Message, e); }
    }

    /// <summary>Reads a slice from rows that begin with the one at <paramref name="after"/>, or with the first of all.</summary>
    public static async Task<LogSlice> SliceAsync(DbDataReader reader, LogPosition after, long databaseMs, CancellationToken cancel)
    {
        var rows = new List<LogRow>();
        var (bytes, holds, isAll, isCut) = (0L, after == LogPosition.Start, true, false);
        while (await reader.ReadAsync(cancel))
        {
            var number = reader.GetInt64(0);
            if (number == after.Number)
            {
                holds = reader.GetString(1).StartsWith(after.Term, StringComparison.Ordinal);
                if (!holds) break;
                continue;
            }
            if (rows.Count >= LogSlice.MostRows || bytes >= LogSlice.MostBytes)
            {
                isAll = false;
                break;
            }
            if (!holds || number != after.Number + rows.Count + 1)
            {
                // Below the first row that is there; the one right above the place says whether it is of the same past.
                isCut = rows.Count == 0 && (number > after.Number + 1 || Read(reader).PreviousTerm == after.Term);
                holds = false;
                break;
            }
            rows.Add(Read(reader));
            bytes += rows[^1].Payload.Length;
        }
        return holds ? new LogSlice(true, rows, isAll, databaseMs) : new LogSlice(false, [], false, databaseMs, isCut);
    }
}

/// <summary>What a node says that finds the store of the engine before the log: the two commands that bring a mesh over.</summary>
internal static class OlderEngine
{
    /// <summary>The last version that reads such a store.</summary>
    public const string Version = "0.1.0";

    /// <summary>For the operator.</summary>
    /// <param name="store">Where it is, without secrets.</param>
    public static string Text(string store) =>
        $"{store} is the store of meshdns {Version} or older, which this version does not read. With that version: ./meshdns export > mesh.yaml; "
        + "then start this one on an empty store: ./meshdns apply -f mesh.yaml. Every VIP and every quarantine stays";
}
