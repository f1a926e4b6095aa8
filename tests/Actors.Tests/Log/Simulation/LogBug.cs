using MeshDns.Actors.Vips;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>A mistake put in on purpose, outside of the code under test: in what carries its outputs out and brings it its inputs.</summary>
internal enum LogBug
{
    None,

    /// <summary>A change is answered while its append is on its way.</summary>
    ReplyBeforeAppend,

    /// <summary>An incarnation serves without having written that it began.</summary>
    NoStartRow,

    /// <summary>A released VIP is free at once.</summary>
    NoQuarantine,

    /// <summary>Now and then an append is taken for done that nobody made.</summary>
    ApplyWithoutAppend,

    /// <summary>A reader shows a half of a transaction, and the other half a moment later.</summary>
    SplitTransaction,

    /// <summary>What wrote nothing is answered without a look at the log's end.</summary>
    NoLook,

    /// <summary>A change waits in a buffer for the next incarnation, after its caller was told that nothing happened.</summary>
    LateCopy,

    /// <summary>Readers are told that the log has their position when it has the number.</summary>
    PositionWithoutTerm,

    /// <summary>The journal takes any row whose number is free.</summary>
    NoChain,

    /// <summary>The journal looks for the row before, and not at its term.</summary>
    NumbersOnly,

    /// <summary>A transaction is folded in the order of its rows.</summary>
    RowOrder,

    /// <summary>Rows that a cut-off primary has and nobody confirmed are taken in.</summary>
    TrustsOldPrimary,

    /// <summary>That a cut-off primary has nothing new is taken for being up to date.</summary>
    AgeOfOldPrimary,

    /// <summary>What came over the feed is as old as it was when its owner sent it.</summary>
    AgeFromArrival,

    /// <summary>The age is the node's wall clock less the database's.</summary>
    AgeOfTwoClocks,

    /// <summary>An age that a clock has told is forgotten when the clock is set back.</summary>
    AgeUnseen,

    /// <summary>The age counts by the monotonic clock only.</summary>
    AgeStandsStill,

    /// <summary>A saved directory from the future is brand new.</summary>
    AgeOfFuture,

    /// <summary>Stamps go on by a clock that stood still while the machine slept.</summary>
    StampStandsStill,

    /// <summary>Settings are answered while their append is on its way.</summary>
    SettingsAnsweredEarly,

    /// <summary>The allocator's own node has settings while their append is on its way.</summary>
    SettingsBeforeAppend,

    /// <summary>A copy of a change of settings is carried out as if it were another.</summary>
    SettingsKeyForgotten,

    /// <summary>Directories pass over what the log says of settings.</summary>
    SettingsUnheard,

    /// <summary>What a directory reads of an image lacks the settings.</summary>
    ImageWithoutSettings,

    /// <summary>What is released after a quarantine was shortened rests by the shorter one, whatever a node that was cut off before may answer.</summary>
    OldQuarantineForgotten,

    /// <summary>Nodes answer from older knowledge than the settings allow.</summary>
    AgeOfOtherSettings,

    /// <summary>A shorter quarantine cuts short what rests already.</summary>
    RestsCutShort,
}

/// <summary>Mistakes in what an incarnation has for durable.</summary>
internal static class LogBugs
{
    /// <summary>The ledger with the planted mistake; null where it is right.</summary>
    public static VipLedger? SpoilLedger(LogBug bug, VipLedger before, VipLedger after) => bug switch
    {
        LogBug.OldQuarantineForgotten when after.RestFloor > 0 => after with { RestFloor = 0 },
        LogBug.RestsCutShort when after.QuarantineMs < before.QuarantineMs => after.MaturedAt(after.LastAt + before.QuarantineMs - after.QuarantineMs),
        _ => null,
    };
}
