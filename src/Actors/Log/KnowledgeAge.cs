namespace MeshDns.Actors.Log;

/// <summary>
/// How old what a node knows is: it knew everything that there was before a question was sent. Bytes that lay in a socket, a process that was held and a machine that slept make it older, never younger.
/// </summary>
/// <param name="AskedAt">Just before the question.</param>
/// <param name="SourceAgeMs">How old the knowledge of whoever answered was.</param>
internal readonly record struct KnowledgeAge(Moment AskedAt, long SourceAgeMs)
{
    /// <summary>The age now, milliseconds.</summary>
    public long At(Moment now) => now.Since(AskedAt) + SourceAgeMs;

    /// <summary>
    /// The same, reckoned from now on: taken again and again, so that what has grown old while a machine slept does not get young when its wall clock is set back after that.
    /// </summary>
    public KnowledgeAge Seen(Moment now) => new(now, At(now));

    /// <summary>
    /// The age of a saved directory when it is loaded: by the wall clock, since the monotonic one began anew; null when that clock is before the file's own time, so that nobody can tell: it is expired then.
    /// </summary>
    /// <param name="knownAtWallMs">The wall clock when what was saved was all there was.</param>
    /// <param name="savedAtWallMs">The wall clock when it was saved.</param>
    /// <param name="now">Now.</param>
    public static KnowledgeAge? OfSaved(long knownAtWallMs, long savedAtWallMs, Moment now) =>
        now.WallMs < savedAtWallMs || savedAtWallMs < knownAtWallMs ? null : new KnowledgeAge(now, now.WallMs - knownAtWallMs);
}
