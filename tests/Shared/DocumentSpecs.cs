namespace MeshDns.Contracts.Services;

/// <summary>A document's spec as what a test knows it to be; null for another kind's.</summary>
internal static class DocumentSpecs
{
    extension(MeshDocument document)
    {
        public ServiceEntrySpec? ServiceEntry => document.Spec as ServiceEntrySpec;

        public ServiceSpec? Service => document.Spec as ServiceSpec;
    }
}
